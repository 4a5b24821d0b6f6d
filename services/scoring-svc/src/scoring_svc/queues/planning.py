"""The queue of customers for whom it is to be looked what is to be done next; the planner empties it, the scorer never waits for it."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import not_set_aside_sql

DAILY_CHUNK = 500
QUEUE = "plan"
"""The name of the queue for operators."""
_NOT_SET_ASIDE = not_set_aside_sql(QUEUE, "customer_id", "$3")


async def mark(uow: UnitOfWork, customer_ids: Collection[UUID], now: datetime) -> None:
    """Have the customers planned anew. Rows only come in, so that nobody waits; several of one customer are taken as one."""
    await uow.driver.execute(
        "INSERT INTO action_due (customer_id, since) SELECT DISTINCT customer_id, $2::timestamptz"
        " FROM unnest($1::uuid[]) AS told (customer_id)",
        list(customer_ids),
        now,
    )


async def mark_day(uow: UnitOfWork, today: date, now: datetime) -> int:
    """Queue a chunk of the customers who were not planned on this business date; returns how many."""
    outcome = await uow.driver.execute(
        "INSERT INTO action_due (customer_id, since) SELECT customer_id, $2 FROM action_plan"
        " WHERE planned_on < $1 AND NOT EXISTS (SELECT FROM action_due due WHERE due.customer_id = action_plan.customer_id)"
        " ORDER BY planned_on, customer_id LIMIT $3",
        today,
        now,
        DAILY_CHUNK,
    )
    return int(outcome.rsplit(" ", 1)[1])


async def take(uow: UnitOfWork, limit: int, now: datetime, only: Sequence[UUID] | None = None) -> list[UUID]:
    """Take off the rows that have waited longest, or those of `only` (others' are skipped), and lock their customers' plans: one planner
    a customer."""
    rows = await uow.driver.fetch(
        "WITH first AS (SELECT customer_id FROM action_due"  # noqa: S608  # constants
        f" WHERE customer_id = ANY($2::uuid[]) OR ($2 IS NULL AND {_NOT_SET_ASIDE}) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " DELETE FROM action_due WHERE id IN (SELECT id FROM action_due"
        " WHERE customer_id IN (SELECT customer_id FROM first) FOR UPDATE SKIP LOCKED) RETURNING customer_id",
        limit,
        only,
        now,
    )
    ids = sorted({row[0] for row in rows})
    await uow.driver.execute(
        "INSERT INTO action_plan (customer_id, planned_on, hold_out, fitting, considered)"
        " SELECT customer_id, '0001-01-01', false, 0, '[]' FROM unnest($1::uuid[]) AS told (customer_id) ORDER BY customer_id"
        " ON CONFLICT DO NOTHING",
        ids,
    )
    await uow.driver.fetch("SELECT FROM action_plan WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id FOR UPDATE", ids)
    return ids
