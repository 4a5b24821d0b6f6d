"""The one place where row scope becomes SQL.

A customer is visible under
- OWN: if the caller, or somebody for whom the caller stands in now, is its primary RM or assistant now;
- OUTLET: if its `primary_rm` row names an outlet of the caller's subtree now, whether or not an RM stands in that row;
- ALL: always;
- any: while the customer is opened to the caller (`RowScope.opened`).
*Now* is `valid_from <= now < valid_to`, so a transfer that was decided before takes effect by the clock alone.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.tables import BookAssignment
from guanxi_common.security.principal import RowScope, ScopeKind


def visible_customers(
    scope: RowScope, customer_id: ColumnElement[Any] | InstrumentedAttribute[Any], now: datetime
) -> ColumnElement[bool]:
    """The condition under which the customer of a row may be seen; for SQLAlchemy statements."""
    if scope.kind is ScopeKind.ALL:
        return true()
    book = aliased(BookAssignment)
    if scope.kind is ScopeKind.OWN:
        reached: ColumnElement[bool] = book.staff_id.in_(scope.keepers(now))
    else:
        reached = and_(book.capacity == "primary_rm", book.outlet_id.in_(scope.outlet_ids))
    valid = and_(book.valid_from <= now, or_(book.valid_to.is_(None), book.valid_to > now))
    within = exists(select(1).select_from(book).where(book.customer_id == customer_id, valid, reached))
    opened = scope.opened_at(now)
    return or_(within, customer_id.in_(opened)) if opened else within


def visible_customers_sql(
    scope: RowScope, customer_id: str, now: datetime, first_parameter: int = 1, *, row_by_row: bool = False
) -> tuple[str, tuple[object, ...]]:
    """The same for statements written for the driver: the condition and its arguments, numbered from `first_parameter`.

    `customer_id` is a column expression of the statement, never input. The text does not depend on the caller, so that plans are kept, but
    for the few to whom customers are opened. The arguments, none for ALL, are `now`, a list (keepers of books, or outlets) and, for these
    few, the opened customers: a statement has them last.

    `row_by_row` is for pages: the condition is looked up for the rows in turn until the page is full, never joined with the book.
    """
    if scope.kind is ScopeKind.ALL:
        return "true", ()
    argument: list[UUID]
    instant, who = f"${first_parameter}::timestamptz", f"${first_parameter + 1}"
    if scope.kind is ScopeKind.OWN:
        reached, argument = f"book.staff_id = ANY({who}::uuid[])", scope.keepers(now)
    else:
        reached, argument = f"book.capacity = 'primary_rm' AND book.outlet_id = ANY({who}::uuid[])", list(scope.outlet_ids)
    # OFFSET 0 changes no result; a subquery with it is never turned into a join.
    fence = " OFFSET 0" if row_by_row else ""
    condition = (
        f"EXISTS (SELECT FROM book_assignment book WHERE book.customer_id = {customer_id}"
        f" AND book.valid_from <= {instant} AND (book.valid_to IS NULL OR {instant} < book.valid_to) AND {reached}{fence})"
    )
    if opened := scope.opened_at(now):
        return f"({condition} OR {customer_id} = ANY(${first_parameter + 2}::uuid[]))", (now, argument, opened)
    return condition, (now, argument)


async def customer_is_visible(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> bool:
    """Whether the book knows the customer and the caller may see it."""
    condition, arguments = visible_customers_sql(scope, "known.customer_id", now, first_parameter=2)
    found = await uow.driver.fetchval(
        f"SELECT 1 FROM book_assignment known WHERE known.customer_id = $1 AND {condition} LIMIT 1",  # noqa: S608  # built from constants
        customer_id,
        *arguments,
    )
    return found is not None
