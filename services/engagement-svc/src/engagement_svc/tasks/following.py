"""Tasks go where the responsibility for their customers goes: by the book, by the clock, and by who is here (D11)."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.responsibility import owner_sql

# Of each customer whom the book gives to somebody now: whose duties these are.
_NOW: Final = f"""
SELECT customer_id, staff_id, outlet_id, valid_from, {owner_sql("staff_id")} AS owner_id FROM book_assignment
WHERE capacity = 'primary_rm' AND valid_from <= $1 AND (valid_to IS NULL OR $1 < valid_to)
"""  # noqa: S608  # code only
_FOLLOW: Final = f"""
UPDATE task SET owner_id = book.owner_id, outlet_id = book.outlet_id FROM ({_NOW}) AS book
WHERE task.state = 'open' AND book.customer_id = task.customer_id
    AND (task.owner_id, task.outlet_id) IS DISTINCT FROM (book.owner_id, book.outlet_id)
"""  # noqa: S608  # code only
_OF_CUSTOMERS: Final = " AND task.customer_id = ANY($2::uuid[])"
_BEGUN_SINCE: Final = " AND book.valid_from > $2"
_WITHOUT_PLACE: Final = " AND task.outlet_id IS NULL"
_OF_GONE: Final = " AND task.owner_id = ANY(ARRAY(SELECT id FROM directory_staff WHERE suspended OR NOT active))"

# Tasks handed to somebody who no longer assists with the customer, or is not here: their owner works them again.
_TAKE_BACK: Final = """
UPDATE task SET assignee_id = NULL WHERE state = 'open' AND assignee_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM book_assignment book JOIN directory_staff staff ON staff.id = book.staff_id AND staff.active AND NOT staff.suspended
    WHERE book.customer_id = task.customer_id AND book.staff_id = task.assignee_id AND book.capacity = 'assistant'
        AND book.valid_from <= $1 AND (book.valid_to IS NULL OR $1 < book.valid_to)
)
"""

_STANDING: Final = "SELECT id, active, suspended, deputy_id FROM directory_staff WHERE id = ANY($1::uuid[])"
# Whose books may have gone to another: theirs, and of those for whom they stand in.
_CUSTOMERS_OF: Final = """
SELECT task.id, task.customer_id FROM task JOIN book_assignment book ON book.customer_id = task.customer_id
WHERE task.state = 'open' AND book.capacity = 'primary_rm' AND book.staff_id = ANY(ARRAY(
    SELECT unnest($1::uuid[]) UNION SELECT id FROM directory_staff WHERE deputy_id = ANY($1::uuid[])
)) ORDER BY task.id FOR UPDATE OF task
"""


async def follow_the_book_of(uow: UnitOfWork, now: datetime, customer_ids: Collection[UUID]) -> int:
    """Give the customers' open tasks to whoever is responsible for them now; returns how many moved. When their assignments arrive."""
    return _moved(await uow.driver.execute(_FOLLOW + _OF_CUSTOMERS, now, list(customer_ids)))


async def follow_the_book_since(uow: UnitOfWork, now: datetime, since: datetime) -> int:
    """The same for all customers with an interval that began after `since` (transfers that the clock has made effective), for tasks
    that were opened before the customer was known here, and for those of somebody who is not here any more. What was handed to an
    assistant who is none now goes back."""
    found = _moved(await uow.driver.execute(_TAKE_BACK, now))
    found += _moved(await uow.driver.execute(_FOLLOW + _WITHOUT_PLACE, now))
    found += _moved(await uow.driver.execute(_FOLLOW + _OF_GONE, now))
    return found + _moved(await uow.driver.execute(_FOLLOW + _BEGUN_SINCE, now, since))


async def standing_of(uow: UnitOfWork, staff_ids: Collection[UUID]) -> set[tuple[object, ...]]:
    """What decides whose the duties of these members of staff are."""
    return {tuple(row.values()) for row in await uow.driver.fetch(_STANDING, list(staff_ids))}


async def follow_staff(uow: UnitOfWork, now: datetime, staff_ids: Collection[UUID]) -> int:
    """Give the open tasks of these people's customers to whoever is responsible now; returns how many moved.

    The tasks are locked first: what another transaction has just made of the book is then read, and not undone.
    """
    customers = {row["customer_id"] for row in await uow.driver.fetch(_CUSTOMERS_OF, list(staff_ids))}
    return await follow_the_book_of(uow, now, customers)


def _moved(outcome: str) -> int:
    return int(outcome.rsplit(" ", 1)[1])


async def responsible_for(uow: UnitOfWork, customer_ids: Collection[UUID], now: datetime) -> dict[UUID, tuple[UUID | None, UUID]]:
    """Whose the duties of each customer are now: (staff id, None for the lead of the outlet; outlet id)."""
    rows = await uow.driver.fetch(f"{_NOW} AND customer_id = ANY($2::uuid[])", now, list(customer_ids))
    return {row["customer_id"]: (row["owner_id"], row["outlet_id"]) for row in rows}
