"""Stored scores and the queue of dirty customers."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import not_set_aside_sql

from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.retention.policy import UNNAMED
from scoring_svc.scores.columns import COLUMNS, columns_of, detail_of, is_plain
from scoring_svc.scores.schemas import ScoreOut

NEVER = date.min
QUEUE = "score"
"""The name of the queue of dirty customers for operators."""
_NOT_SET_ASIDE = not_set_aside_sql(QUEUE, "customer_id", "$1")
_NOT_SET_ASIDE_2 = not_set_aside_sql(QUEUE, "customer_id", "$2")


@dataclass(frozen=True, slots=True)
class Dirty:
    """A customer to be scored again. `touched_from` is the earliest business date that changed; `settled`: silence may be judged."""

    customer_id: UUID
    touched_from: date
    traceparent: str | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What was last told of a customer's score."""

    band: str
    main_reason: str | None


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score as it is stored; see `ScoreRow`. `detail` is empty where the columns name a version that there is not."""

    customer_id: UUID
    as_of: date
    known_at: datetime
    value_bp: int
    band: str
    main_reason: str | None
    model_version: str
    bands_version: str
    detail: Mapping[str, Any]


_COLUMN_TYPES = {"currency": "text", "expected_acts_90_days": "float8"}
_STORE = """
INSERT INTO score (customer_id, as_of, known_at, value_bp, band, main_reason, model_version, bands_version, detail,
    silence_judged_on, {columns})
SELECT * FROM unnest($1::uuid[], $2::date[], $3::timestamptz[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[],
    $10::date[], {arrays})
ON CONFLICT (customer_id) DO UPDATE SET as_of = EXCLUDED.as_of, known_at = EXCLUDED.known_at, value_bp = EXCLUDED.value_bp,
    band = EXCLUDED.band, main_reason = EXCLUDED.main_reason, model_version = EXCLUDED.model_version,
    bands_version = EXCLUDED.bands_version, detail = EXCLUDED.detail,
    silence_judged_on = greatest(score.silence_judged_on, EXCLUDED.silence_judged_on), {updates}
""".format(
    columns=", ".join(COLUMNS),
    arrays=", ".join(f"${at}::{_COLUMN_TYPES.get(name, 'bigint')}[]" for at, name in enumerate(COLUMNS, 11)),
    updates=", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS),
)


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


_STALE = "(as_of < $1 OR act_age_days IS NULL)"


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
        "INSERT INTO dirty_customer AS dirty (customer_id, since, touched_from, settled)"
        " SELECT customer_id, $2, due_on, false FROM"
        " (SELECT customer_id, due_on FROM posting_ahead WHERE due_on <= $1 ORDER BY due_on, customer_id LIMIT $3) due"
        " ORDER BY customer_id"
        " ON CONFLICT (customer_id) DO UPDATE SET touched_from = least(dirty.touched_from, EXCLUDED.touched_from), settled = false"
        " RETURNING customer_id",
        today,
        now,
        limit,
    )
    await uow.driver.execute(
        "DELETE FROM posting_ahead WHERE customer_id = ANY($1::uuid[]) AND due_on <= $2", [row[0] for row in rows], today
    )
    return len(rows)


async def share_book(uow: UnitOfWork) -> None:
    """Hold off the exchange of the book to the end of the transaction, or wait until it is over; the first statement of a scorer."""
    await uow.driver.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('score book', 0))")


async def take_published(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Published]:
    """What was last told of each customer. What a book run has yet to tell of them is the caller's to tell from now on."""
    rows = await uow.driver.fetch(
        "WITH untold AS (DELETE FROM score_news WHERE customer_id = ANY($1::uuid[]) RETURNING customer_id, band, main_reason)"
        " SELECT score.customer_id, coalesce(untold.band, score.band),"
        " CASE WHEN untold.customer_id IS NULL THEN score.main_reason ELSE untold.main_reason END"
        " FROM score LEFT JOIN untold USING (customer_id) WHERE score.customer_id = ANY($1::uuid[])",
        list(customer_ids),
    )
    return {row[0]: Published(row[1], row[2]) for row in rows}


async def tell_run(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Tell the book run under way, unless it has exchanged the book, that what it has read of the customers is no longer so."""
    await uow.driver.execute(
        "INSERT INTO score_touched (customer_id) SELECT told FROM unnest($1::uuid[]) AS told"
        " WHERE EXISTS (SELECT FROM score_run WHERE state = 'running' AND stage <> 'publishing')",
        list(customer_ids),
    )


async def store_scores(uow: UnitOfWork, scores: Sequence[tuple[ScoreOut, CustomerHistory]], settled: Collection[UUID]) -> None:
    """Insert or replace, one statement for all. `scores` in the order of customer ids; `settled`: whose silence was judged."""
    columns = zip(*(columns_of(score, history) for score, history in scores), strict=True)
    outs = [score for score, _ in scores]
    await uow.driver.execute(
        _STORE,
        [s.customer_id for s in outs],
        [s.as_of for s in outs],
        [s.known_at for s in outs],
        [s.retention.value_bp for s in outs],
        [s.retention.band for s in outs],
        [main_reason_code(s) for s in outs],
        [s.model_version for s in outs],
        [s.bands_version for s in outs],
        [None if is_plain(s) else json.dumps(s.model_dump(mode="json"), ensure_ascii=False) for s in outs],
        [s.as_of if s.customer_id in settled else NEVER for s in outs],
        *columns,
    )


async def forget_scores(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Delete the scores of customers of whom no entry counts any more."""
    await uow.driver.execute("DELETE FROM score WHERE customer_id = ANY($1::uuid[])", list(customer_ids))


_STORED = ", ".join(("customer_id, as_of, known_at, value_bp, band, main_reason, model_version, bands_version, detail", *COLUMNS))
_UNTOUCHED = "NOT EXISTS (SELECT FROM dirty_customer waiting WHERE waiting.customer_id = score.customer_id)"


async def sample_scores(uow: UnitOfWork, day: date, limit: int) -> list[StoredScore]:
    """The day's sample of stored scores that nothing has touched since: another one every day, the same for the same day."""
    rows = await uow.driver.fetch(
        f"SELECT {_STORED} FROM score WHERE {_UNTOUCHED} ORDER BY md5(customer_id::text || $1), customer_id LIMIT $2",  # noqa: S608  # constants
        day.isoformat(),
        limit,
    )
    return [_stored(row) for row in rows]


async def untouched(uow: UnitOfWork, customer_ids: Collection[UUID]) -> list[StoredScore]:
    """Those of the customers whose stored score rests on all that is known now."""
    rows = await uow.driver.fetch(
        f"SELECT {_STORED} FROM score WHERE customer_id = ANY($1::uuid[]) AND {_UNTOUCHED}",  # noqa: S608  # constants
        list(customer_ids),
    )
    return [_stored(row) for row in rows]


async def begin_check(uow: UnitOfWork, day: date) -> bool:
    """Whether the day's comparison is still to be done, and nobody else is at it; to the end of the transaction it is the caller's."""
    mine = await uow.driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('score check', 0))")
    done = await uow.driver.fetchval("SELECT 1 FROM score_check WHERE checked_on = $1", day)
    return bool(mine) and done is None


async def store_check(uow: UnitOfWork, day: date, now: datetime, sampled: int, differing: Sequence[str], mismatches: int) -> None:
    await uow.driver.execute(
        "INSERT INTO score_check (checked_on, checked_at, sampled, mismatches, differing) VALUES ($1, $2, $3, $4, $5)",
        day,
        now,
        sampled,
        mismatches,
        json.dumps(differing),
    )


async def read_details(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """The stored scores as they are served, of those customers who have one."""
    rows = await uow.driver.fetch(f"SELECT {_STORED} FROM score WHERE customer_id = ANY($1::uuid[])", list(customer_ids))  # noqa: S608  # constants
    return {row["customer_id"]: _detail(row) for row in rows}


async def read_scores(uow: UnitOfWork, customer_ids: Collection[UUID]) -> list[ScoreOut]:
    """The stored scores of those customers who have one, in the order of their ids."""
    details = await read_details(uow, customer_ids)
    return [ScoreOut.model_validate_json(json.dumps(details[one])) for one in sorted(details)]


def _stored(row: Mapping[str, Any]) -> StoredScore:
    values = {field.name: row[field.name] for field in fields(StoredScore) if field.name != "detail"}
    try:
        return StoredScore(**values, detail=_detail(row))
    except (LookupError, ValueError):
        return StoredScore(**values, detail={})


def _detail(row: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = row["detail"]
    if detail is None:
        return detail_of(row)
    return cast("Mapping[str, Any]", json.loads(detail) if isinstance(detail, str) else detail)


def main_reason_code(score: ScoreOut) -> str | None:
    """The strongest reason for concern; None where nothing raises the risk."""
    first = score.retention.reasons[0] if score.retention.reasons else None
    return first.code if first and first.contribution_bp > 0 and first.code not in UNNAMED else None
