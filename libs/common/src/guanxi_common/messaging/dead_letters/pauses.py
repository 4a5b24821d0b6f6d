"""Partitions that a group does not read since it made too many dead letters there, and an operator's ways past that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Select, Table, and_, func, select, update

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.messaging.tables import ConsumerPosition, DeadLetter, PartitionPause

_pauses: Final = cast("Table", PartitionPause.__table__)
_positions: Final = cast("Table", ConsumerPosition.__table__)
_letters: Final = cast("Table", DeadLetter.__table__)


@dataclass(frozen=True, slots=True)
class PauseRow:
    """`position` is the first offset that was not read, `open_letters` how many dead letters of the partition are open."""

    consumer: str
    topic: str
    partition: int
    since: datetime
    reason: str
    limit: int
    position: int | None
    open_letters: int


async def list_pauses(uow: UnitOfWork, *, position: Sequence[Any] | None, limit: int) -> list[PauseRow]:
    order = (_pauses.c.consumer, _pauses.c.topic, _pauses.c.partition)
    rows = await uow.execute(_paused().where(after(order, position)).order_by(*order).limit(limit))
    return [PauseRow(**row) for row in rows.mappings()]


async def resume(uow: UnitOfWork, place: tuple[str, str, int], actor: str, *, limit: int | None, skip: bool) -> PauseRow | None:
    """Let the group read the partition `place` (group, topic, partition) again, under `limit` for the next hour; None if it is not paused.

    `skip`: its open dead letters are given up, as each could be alone. Returns the pause as it was, with the new limit.
    """
    consumer, topic, partition = place
    here = _pauses.c.consumer == consumer, _pauses.c.topic == topic, _pauses.c.partition == partition
    locked = await uow.execute(_paused().where(*here).with_for_update(of=_pauses))
    row = locked.mappings().first()
    if row is None:
        return None
    chosen = row["limit"] if limit is None else limit
    changes = {"resumed_at": func.now(), "resumed_by": actor, "limit": chosen}
    await uow.execute(update(_pauses).where(*here).values(changes))
    if skip:
        open_ones = and_(
            *(_letters.c[name] == row[name] for name in ("consumer", "topic", "partition")), _letters.c.resolved_at.is_(None)
        )
        given_up = {"resolved_at": func.now(), "resolution": "skipped", "resolved_by": actor, "requested_at": None}
        await uow.execute(update(_letters).where(open_ones).values(given_up))
    return PauseRow(**{**row, "limit": chosen})


def _paused() -> Select[Any]:
    names = ("consumer", "topic", "partition")
    open_letters = (
        select(func.count())
        .select_from(_letters)
        .where(*_same(_letters, names), _letters.c.resolved_at.is_(None))
        .scalar_subquery()
        .label("open_letters")
    )
    shown = [_pauses.c[name] for name in (*names, "since", "reason", "limit")]
    joined = _pauses.outerjoin(_positions, and_(*_same(_positions, names)))
    query = select(*shown, _positions.c.position, open_letters).select_from(joined)
    return query.where(_pauses.c.resumed_at.is_(None))


def _same(table: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == _pauses.c[name] for name in names]
