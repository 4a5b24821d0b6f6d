"""The book as its master writes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory import repository as replica
from guanxi_common.security.directory.responsibility import owner_sql, read_escalations
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.directory.tables import BookAssignment
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import RowScope
from sqlalchemy import select

from customer_svc.book.policy import Interval

_book = table_of(BookAssignment)

_OWNER: Final = f"""
SELECT outlet_id, {owner_sql("staff_id")} AS owner_id FROM book_assignment
WHERE customer_id = $1 AND capacity = 'primary_rm' AND valid_from <= $2 AND (valid_to IS NULL OR $2 < valid_to)
"""  # noqa: S608  # code only
_HANGING: Final = """
SELECT customer_id, bool_and(valid_from > $2) AS to_come FROM book_assignment
WHERE staff_id = $1 AND (valid_to IS NULL OR $2 < valid_to) GROUP BY customer_id ORDER BY customer_id
"""


def _interval(row: Mapping[Any, Any]) -> Interval:
    return Interval(row["capacity"], row["staff_id"], row["outlet_id"], row["valid_from"], row["valid_to"])


async def read_book(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> list[Interval]:
    """All intervals of one customer, past and to come, in order; empty where the customer is out of scope."""
    statement = (
        select(_book)
        .where(_book.c.customer_id == customer_id, visible_customers(scope, _book.c.customer_id, now))
        .order_by(_book.c.valid_from, _book.c.capacity)
    )
    return [_interval(row) for row in (await uow.execute(statement)).mappings()]


async def read_responsible(uow: UnitOfWork, customer_id: UUID, now: datetime) -> UUID | None:
    """Who is responsible now: the RM; the deputy of one who is not here; else the lead of the outlet or of the next one above that has
    one. None only where no outlet up to the head office has a lead."""
    row = await uow.driver.fetchrow(_OWNER, customer_id, now)
    if row is None or row["owner_id"] is not None:
        return None if row is None else UUID(str(row["owner_id"]))
    of_outlet = (None, UUID(str(row["outlet_id"])))
    return (await read_escalations(uow, [of_outlet]))[of_outlet]


async def hanging_on(uow: UnitOfWork, staff_id: UUID, now: datetime) -> list[tuple[UUID, bool]]:
    """The customers in whose book somebody stands, by id, and whether only from a later moment on."""
    rows = await uow.driver.fetch(_HANGING, staff_id, now)
    return [(UUID(str(row["customer_id"])), row["to_come"]) for row in rows]


async def write_book(uow: UnitOfWork, customer_id: UUID, book: list[Interval], version: int) -> None:
    """Replace the customer's intervals. The caller holds the lock on the customer's row and has bumped its version."""
    intervals = tuple(Assignment(i.capacity, i.staff_id, i.outlet_id, i.valid_from, i.valid_to) for i in book)
    await replica.apply_books(uow, [Book(customer_id, intervals, version)])
