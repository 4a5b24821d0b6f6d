"""Customers whose scores no longer rest on all that is known. The scorer takes them off, in small batches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import not_set_aside_sql

QUEUE = "score"
"""The name of the queue of dirty customers for operators."""
_NOT_SET_ASIDE = not_set_aside_sql(QUEUE, "customer_id", "$1")
_NOT_SET_ASIDE_2 = not_set_aside_sql(QUEUE, "customer_id", "$2")
_STALE = "(as_of < $1 OR act_age_days IS NULL)"


_INSERT = "INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, traceparent, settled)"
_EARLIEST = "touched_from = least(dirty.touched_from, EXCLUDED.touched_from), settled = false"


def mark_posted_sql(selected: str) -> str:
    """Part of a statement: marks whose days have moved, from the earliest business date on, in the trace of what moved them last.

    `selected` gives customer, instant, date, trace and false, in the order of customers. A row that says all of it already is left alone.
    """
    return (
        f"{_INSERT} {selected} ON CONFLICT (customer_id) DO UPDATE SET traceparent = EXCLUDED.traceparent, {_EARLIEST}"
        " WHERE dirty.touched_from > EXCLUDED.touched_from OR dirty.settled OR dirty.traceparent IS DISTINCT FROM EXCLUDED.traceparent"
    )


def mark_told_sql(selected: str) -> str:
    """As `mark_posted_sql`, for what was told of customers whose days stand: who waits already waits on from the same date."""
    return f"{_INSERT} {selected} ON CONFLICT (customer_id) DO UPDATE SET traceparent = EXCLUDED.traceparent"


@dataclass(frozen=True, slots=True)
class Dirty:
    """A customer to be scored again. `touched_from` is the earliest business date that changed; `settled`: silence may be judged."""

    customer_id: UUID
    touched_from: date
    traceparent: str | None
    settled: bool


async def take_dirty(uow: UnitOfWork, limit: int, now: datetime, only: Sequence[UUID] | None = None) -> list[Dirty]:
    """Lock and take off the queue the customers that have waited longest, or those of `only` that wait; other scorers' are skipped."""
    if only is not None:
        return await _take_of(uow, only)
    return await _take(uow, f"{_NOT_SET_ASIDE} ORDER BY since LIMIT $2", now, limit)


async def mark_settled(uow: UnitOfWork, today: date, now: datetime, quiet_since: datetime, limit: int) -> int:
    """Queue customers whose silence was not judged on this business date and who were not scored since `quiet_since`: silence is
    news too. Returns how many."""
    outcome = await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT customer_id, $2, $1, true FROM score"
        " WHERE silence_judged_on < $1 AND known_at < $3"
        " AND NOT EXISTS (SELECT FROM dirty_customer waiting WHERE waiting.customer_id = score.customer_id)"
        " ORDER BY silence_judged_on, customer_id LIMIT $4 ON CONFLICT DO NOTHING",
        today,
        now,
        quiet_since,
        limit,
    )
    return int(outcome.rsplit(" ", 1)[1])


async def pass_over(uow: UnitOfWork, today: date, now: datetime) -> int:
    """Have the book run under way leave alone whose score is stale and is set aside: it takes over their rows; returns how many."""
    outcome = await uow.driver.execute(
        f"INSERT INTO score_touched (customer_id) SELECT customer_id FROM score WHERE {_STALE} AND NOT {_NOT_SET_ASIDE_2}",  # noqa: S608  # constants
        today,
        now,
    )
    return int(outcome.rsplit(" ", 1)[1])


async def count_waiting(uow: UnitOfWork) -> int:
    """Customers who wait for their first score."""
    return int(
        await uow.driver.fetchval(
            "SELECT count(*) FROM dirty_customer dirty"
            " WHERE NOT EXISTS (SELECT FROM score WHERE score.customer_id = dirty.customer_id)"
        )
    )


async def take_stale(
    uow: UnitOfWork, today: date, now: datetime, after: UUID, limit: int, only: Sequence[UUID] | None = None
) -> list[Dirty]:
    """Take the next whose score is not of this business date, or from before there were columns, with ids above `after`; else some who
    wait for their first. With `only`, those of them.

    They go on the queue before they are taken off it: so a posting that comes meanwhile waits for us, and puts the customer on it again.
    """
    ids = only if only is not None else await _stale(uow, today, now, after, limit)
    await mark_dirty(uow, ids, today, now)
    return await _take_of(uow, ids)


async def _stale(uow: UnitOfWork, today: date, now: datetime, after: UUID, limit: int) -> list[UUID]:
    rows = await uow.driver.fetch(
        f"SELECT customer_id FROM score WHERE customer_id > $3 AND {_STALE} AND {_NOT_SET_ASIDE_2} ORDER BY customer_id LIMIT $4",  # noqa: S608  # constants
        today,
        now,
        after,
        limit,
    )
    rows = rows or await uow.driver.fetch(
        f"SELECT customer_id FROM dirty_customer dirty WHERE {_NOT_SET_ASIDE} AND NOT EXISTS"  # noqa: S608  # constants
        " (SELECT FROM score WHERE score.customer_id = dirty.customer_id) LIMIT $2",
        now,
        limit,
    )
    return sorted(row[0] for row in rows)


async def _take_of(uow: UnitOfWork, customer_ids: Sequence[UUID]) -> list[Dirty]:
    return await _take(uow, "customer_id = ANY($1::uuid[]) ORDER BY customer_id", customer_ids)


async def _take(uow: UnitOfWork, which: str, *arguments: object) -> list[Dirty]:
    rows = await uow.driver.fetch(
        "DELETE FROM dirty_customer WHERE customer_id IN ("  # noqa: S608  # constants
        f" SELECT customer_id FROM dirty_customer WHERE {which} FOR UPDATE SKIP LOCKED)"
        " RETURNING customer_id, touched_from, traceparent, settled",
        *arguments,
    )
    return sorted((Dirty(*row.values()) for row in rows), key=lambda dirty: dirty.customer_id)


async def mark_dirty(uow: UnitOfWork, customer_ids: Collection[UUID], today: date, now: datetime) -> None:
    """Leave the customers to the single-customer path."""
    await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT told, $2, $3, false"
        " FROM unnest($1::uuid[]) AS told ON CONFLICT DO NOTHING",
        sorted(customer_ids),
        now,
        today,
    )


async def mark_left_over(uow: UnitOfWork, now: datetime) -> int:
    """After an exchange: queue the customers whom it took over as they were, and those who were scored while it went on."""
    outcome = await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT customer_id, $1, as_of, false FROM score"
        " WHERE detail IS NOT NULL OR customer_id IN (SELECT customer_id FROM score_touched) ORDER BY customer_id ON CONFLICT DO NOTHING",
        now,
    )
    await uow.driver.execute("DELETE FROM score_touched")
    return int(outcome.rsplit(" ", 1)[1])


async def note_postings_ahead(uow: UnitOfWork, customer_ids: Collection[UUID], today: date) -> None:
    """Keep on which date after `today` the customers are to be scored again; an earlier date that is still kept stands."""
    await uow.driver.execute(
        "INSERT INTO posting_ahead AS ahead (customer_id, due_on)"
        " SELECT customer_id, min(booked_on) FROM daily_activity WHERE customer_id = ANY($1::uuid[]) AND booked_on > $2"
        " GROUP BY customer_id ORDER BY customer_id"
        " ON CONFLICT (customer_id) DO UPDATE SET due_on = EXCLUDED.due_on WHERE ahead.due_on > EXCLUDED.due_on",
        list(customer_ids),
        today,
    )


async def mark_due_postings(uow: UnitOfWork, today: date, now: datetime, limit: int) -> int:
    """Queue customers whose posting dated ahead counts by now, from the date on which it began to; returns how many.

    When they are scored, a later date is noted anew. The queue is locked before the dates, as by the scorer: the other way round the
    two would wait for each other.
    """
    rows = await uow.driver.fetch(
        "INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, settled)"  # noqa: S608  # constants
        " SELECT customer_id, $2, due_on, false FROM"
        " (SELECT customer_id, due_on FROM posting_ahead WHERE due_on <= $1 ORDER BY due_on, customer_id LIMIT $3) due"
        " ORDER BY customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {_EARLIEST} RETURNING customer_id",
        today,
        now,
        limit,
    )
    await uow.driver.execute(
        "DELETE FROM posting_ahead WHERE customer_id = ANY($1::uuid[]) AND due_on <= $2", [row[0] for row in rows], today
    )
    return len(rows)


async def mark_book_dirty(uow: UnitOfWork, today: date, now: datetime) -> None:
    """Have every customer scored again, by the new model and bands."""
    await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT customer_id, $2, $1, false FROM score"
        " ORDER BY customer_id"
        " ON CONFLICT DO NOTHING",
        today,
        now,
    )


async def mark_reported(
    uow: UnitOfWork, customer_ids: Sequence[UUID], since: Sequence[date], traceparents: Sequence[str | None], now: datetime
) -> None:
    """Mark customers, in the order of their ids, whose balances a report moved from a business date on."""
    await uow.driver.execute(
        f"{_INSERT} SELECT customer_id, $4, touched_from, traceparent, false FROM unnest($1::uuid[], $2::date[], $3::text[])"  # noqa: S608  # constants
        " AS moved (customer_id, touched_from, traceparent) ORDER BY customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET traceparent = EXCLUDED.traceparent, {_EARLIEST}",
        customer_ids,
        since,
        traceparents,
        now,
    )


async def mark_recounted(uow: UnitOfWork, days: Sequence[tuple[UUID, date]], now: datetime) -> None:
    """Mark the customers of days that were counted anew and came out otherwise."""
    await uow.driver.execute(
        "INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, settled)"  # noqa: S608  # constants
        " SELECT customer_id, $3, min(booked_on), false FROM unnest($1::uuid[], $2::date[]) AS day (customer_id, booked_on)"
        f" GROUP BY customer_id ORDER BY customer_id ON CONFLICT (customer_id) DO UPDATE SET {_EARLIEST}",
        [customer_id for customer_id, _ in days],
        [booked_on for _, booked_on in days],
        now,
    )
