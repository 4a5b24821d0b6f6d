"""The book as its master writes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory import repository as replica
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.directory.tables import BookAssignment
from guanxi_common.security.directory.values import Assignment, Book
from guanxi_common.security.principal import RowScope
from sqlalchemy import select

from customer_svc.book.policy import Interval

_book = table_of(BookAssignment)


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


async def write_book(uow: UnitOfWork, customer_id: UUID, book: list[Interval], version: int) -> None:
    """Replace the customer's intervals. The caller holds the lock on the customer's row and has bumped its version."""
    intervals = tuple(Assignment(i.capacity, i.staff_id, i.outlet_id, i.valid_from, i.valid_to) for i in book)
    await replica.apply_books(uow, [Book(customer_id, intervals, version)])
