"""The items that have failed, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Text, and_, exists, or_, select, update
from sqlalchemy import cast as sql_cast

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.ids import new_id
from guanxi_common.set_aside.tables import SetAsideItem

_items: Final = cast("Table", SetAsideItem.__table__)

FORGOTTEN_AFTER: Final = timedelta(days=7)
"""An item that was due so long ago and was not taken has left its queue by another way."""

_FORGET = "DELETE FROM set_aside_item WHERE queue = $1 AND item = ANY($2::text[])"
_NOTE = """
INSERT INTO set_aside_item AS noted (id, queue, item, attempts, reason, error, first_failed_at, last_failed_at, retry_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
ON CONFLICT (queue, item) DO UPDATE SET attempts = EXCLUDED.attempts, reason = EXCLUDED.reason, error = EXCLUDED.error,
    last_failed_at = EXCLUDED.last_failed_at, retry_at = EXCLUDED.retry_at
"""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """See `SetAsideItem`."""

    id: UUID
    queue: str
    item: str
    attempts: int
    reason: str
    error: str
    first_failed_at: datetime
    last_failed_at: datetime
    retry_at: datetime | None


def not_set_aside(queue: str, item: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    """The condition by which a queue passes over the items that are set aside, or whose next try is yet to come."""
    named = and_(_items.c.queue == queue, _items.c.item == sql_cast(item, Text))
    return ~exists().where(named, or_(_items.c.retry_at.is_(None), _items.c.retry_at > now))


def not_set_aside_sql(queue: str, item: str, now: str) -> str:
    """The same for raw SQL: `item` is the name of a column, `now` of a parameter."""
    return (
        f"NOT EXISTS (SELECT FROM set_aside_item aside WHERE aside.queue = '{queue}' AND aside.item = {item}::text"  # names in code
        f" AND (aside.retry_at IS NULL OR aside.retry_at > {now}::timestamptz))"
    )


async def passed_over(uow: UnitOfWork, queue: str, now: datetime) -> frozenset[str]:
    """The items that `not_set_aside` passes over, for a short queue that is read as a whole."""
    rows = await uow.driver.fetch(
        "SELECT item FROM set_aside_item WHERE queue = $1 AND (retry_at IS NULL OR retry_at > $2)", queue, now
    )
    return frozenset(row[0] for row in rows)


async def forget(uow: UnitOfWork, queue: str, items: Sequence[str]) -> None:
    """Remove what was noted of items that have been done."""
    await uow.driver.execute(_FORGET, queue, items)


async def attempts_of(uow: UnitOfWork, queue: str, item: str) -> int:
    found = await uow.driver.fetchval(
        "SELECT attempts FROM set_aside_item WHERE queue = $1 AND item = $2 FOR UPDATE", queue, item
    )
    return int(found or 0)


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that failed: how often so far, why, and when it is tried again; None: it is set aside."""

    queue: str
    item: str
    attempts: int
    reason: str
    error: str
    retry_at: datetime | None


async def note(uow: UnitOfWork, failure: Failure, now: datetime) -> None:
    given = (failure.queue, failure.item, failure.attempts, failure.reason, failure.error)
    await uow.driver.execute(_NOTE, new_id(), *given, now, failure.retry_at)


async def count_set_aside(uow: UnitOfWork) -> dict[str, int]:
    """How many items are set aside, by queue."""
    rows = await uow.driver.fetch("SELECT queue, count(*) FROM set_aside_item WHERE retry_at IS NULL GROUP BY queue")
    return {row[0]: row[1] for row in rows}


async def forget_departed(uow: UnitOfWork, now: datetime) -> int:
    """Remove the items that have left their queues by another way; returns how many."""
    outcome = await uow.driver.execute("DELETE FROM set_aside_item WHERE retry_at < $1", now - FORGOTTEN_AFTER)
    return int(outcome.rsplit(" ", 1)[1])


async def list_items(
    uow: UnitOfWork, *, set_aside_only: bool, queue: str | None, position: Sequence[Any] | None, limit: int
) -> list[FailedItem]:
    """The latest failure first."""
    order = (_items.c.last_failed_at, _items.c.id)
    statement = select(_items).where(after(order, position, descending=True))
    if set_aside_only:
        statement = statement.where(_items.c.retry_at.is_(None))
    if queue is not None:
        statement = statement.where(_items.c.queue == queue)
    rows = await uow.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [FailedItem(**row) for row in rows.mappings()]


async def read_item(uow: UnitOfWork, item_id: UUID) -> FailedItem | None:
    row = (await uow.execute(select(_items).where(_items.c.id == item_id))).mappings().first()
    return FailedItem(**row) if row else None


async def retry(uow: UnitOfWork, item_id: UUID, now: datetime) -> FailedItem | None:
    """Have an item tried at once; None where nothing is noted of it any more."""
    statement = update(_items).where(_items.c.id == item_id).values(retry_at=now).returning(*_items.c)
    row = (await uow.execute(statement)).mappings().first()
    return FailedItem(**row) if row else None
