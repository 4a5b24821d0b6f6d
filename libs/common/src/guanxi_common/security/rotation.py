"""Background re-encryption: bring one customer's sealed columns under its current key, and their blind indexes up to date.

The order of a rotation: `DatabaseKeyStore.rotate` the customer; after 60 s, when no process seals under the former key any more,
`rotate` every sealed column here and publish a fresh snapshot (events are sealed too); then `retire` the former keys. It may be
stopped and repeated at any point. The same function re-indexes after a new blind-index secret was put first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, select, update

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.store import DataKey
from guanxi_common.security.fields import Place, reseal, unseal


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values: `bytea`, or `bytea[]`, whose elements share one place.

    `place` makes the place from a row's id. `index_column` holds the blind index (an array beside an array), `index` makes it of
    the opened text.
    """

    table: Table
    column: str
    row_id: str
    customer_id: str
    place: Callable[[Any], Place]
    index_column: str | None = None
    index: Callable[[str], bytes] | None = None


async def rotate(uow: UnitOfWork, sealed: SealedColumn, customer_id: UUID, key: DataKey) -> int:
    """Re-seal and re-index the customer's rows that need it; returns how many. Locks the customer's rows. Raises `SealBroken`."""
    columns: list[Column[Any]] = [sealed.table.c[sealed.row_id], sealed.table.c[sealed.column]]
    if sealed.index_column is not None:
        columns.append(sealed.table.c[sealed.index_column])
    rows = await uow.execute(select(*columns).where(sealed.table.c[sealed.customer_id] == customer_id).with_for_update())
    changed = 0
    for row in rows.mappings().all():
        row_id, stored = row[sealed.row_id], row[sealed.column]
        if stored is None:
            continue
        values = _renewed(sealed, sealed.place(row_id), key, stored, row[sealed.index_column] if sealed.index_column else None)
        if values:
            await uow.execute(update(sealed.table).where(sealed.table.c[sealed.row_id] == row_id).values(values))
            changed += 1
    return changed


def _renewed(sealed: SealedColumn, place: Place, key: DataKey, stored: Any, indexed: Any) -> dict[str, Any]:
    """The columns that change, with their new values."""
    many = isinstance(stored, list)
    old: Sequence[bytes] = stored if many else [stored]
    values: dict[str, Any] = {}
    new = [reseal(value, key, place) or value for value in old]
    if new != list(old):
        values[sealed.column] = new if many else new[0]
    if sealed.index_column is not None and sealed.index is not None:
        indexes = [sealed.index(unseal(value, key, place)) for value in old]
        if (indexes if many else indexes[0]) != indexed:
            values[sealed.index_column] = indexes if many else indexes[0]
    return values
