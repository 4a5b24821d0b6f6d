"""Reads and writes the versions. They are the bank's, not a customer's, so there is no row scope."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.standards.policy import StandardVersion
from guanxi_common.standards.tables import StandardVersionRow

_version = table_of(StandardVersionRow)
_KEY: Final = ("kind", "number")


async def read_versions(uow: UnitOfWork) -> list[StandardVersion]:
    """All versions of all kinds, by kind and number."""
    rows = await uow.execute(select(_version).order_by(_version.c.kind, _version.c.number))
    return [read_as(StandardVersion, row) for row in rows.mappings()]


async def store_versions(uow: UnitOfWork, versions: Sequence[StandardVersion]) -> None:
    """Keep what the owner told: what stood under the same kind and number gives way."""
    if not versions:
        return
    statement = pg_insert(_version)
    told = {column.name: statement.excluded[column.name] for column in _version.c if column.name not in _KEY}
    await uow.execute(
        statement.values([values_of(version) for version in versions]).on_conflict_do_update(index_elements=_KEY, set_=told)
    )
