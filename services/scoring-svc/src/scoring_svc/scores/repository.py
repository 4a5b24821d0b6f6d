"""Stored scores and the queue of dirty customers."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.security.principal import RowScope

from scoring_svc.retention.policy import UNNAMED
from scoring_svc.scores.schemas import ScoreOut

NEVER = date.min


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
    """A score as it is stored; see `ScoreRow`."""

    customer_id: UUID
    as_of: date
    known_at: datetime
    value_bp: int
    band: str
    main_reason: str | None
    model_version: str
    bands_version: str
    detail: Mapping[str, Any]


async def take_dirty(uow: UnitOfWork, limit: int) -> list[Dirty]:
    """Lock and take off the queue the customers that have waited longest; other scorers' are skipped."""
    rows = await uow.driver.fetch(
        "DELETE FROM dirty_customer WHERE customer_id IN ("
        " SELECT customer_id FROM dirty_customer ORDER BY since LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " RETURNING customer_id, touched_from, traceparent, settled",
        limit,
    )
    return sorted((Dirty(*row.values()) for row in rows), key=lambda dirty: dirty.customer_id)


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


async def published_scores(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Published]:
    rows = await uow.driver.fetch(
        "SELECT customer_id, band, main_reason FROM score WHERE customer_id = ANY($1::uuid[])", list(customer_ids)
    )
    return {row[0]: Published(row[1], row[2]) for row in rows}


async def store_scores(uow: UnitOfWork, scores: Sequence[ScoreOut], settled: Collection[UUID]) -> None:
    """Insert or replace, one statement for all. `scores` in the order of customer ids; `settled`: whose silence was judged."""
    await uow.driver.execute(
        "INSERT INTO score (customer_id, as_of, known_at, value_bp, band, main_reason, model_version, bands_version, detail,"
        " silence_judged_on)"
        " SELECT * FROM unnest($1::uuid[], $2::date[], $3::timestamptz[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[],"
        " $9::jsonb[], $10::date[]) ON CONFLICT (customer_id) DO UPDATE SET as_of = EXCLUDED.as_of, known_at = EXCLUDED.known_at,"
        " value_bp = EXCLUDED.value_bp, band = EXCLUDED.band, main_reason = EXCLUDED.main_reason,"
        " model_version = EXCLUDED.model_version, bands_version = EXCLUDED.bands_version, detail = EXCLUDED.detail,"
        " silence_judged_on = greatest(score.silence_judged_on, EXCLUDED.silence_judged_on)",
        [s.customer_id for s in scores],
        [s.as_of for s in scores],
        [s.known_at for s in scores],
        [s.retention.value_bp for s in scores],
        [s.retention.band for s in scores],
        [main_reason_code(s) for s in scores],
        [s.model_version for s in scores],
        [s.bands_version for s in scores],
        [json.dumps(s.model_dump(mode="json"), ensure_ascii=False) for s in scores],
        [s.as_of if s.customer_id in settled else NEVER for s in scores],
    )


async def forget_scores(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Delete the scores of customers of whom no entry counts any more."""
    await uow.driver.execute("DELETE FROM score WHERE customer_id = ANY($1::uuid[])", list(customer_ids))


_STORED = "customer_id, as_of, known_at, value_bp, band, main_reason, model_version, bands_version, detail"
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


async def customer_is_visible(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> bool:
    """Whether the book knows the customer and the caller may see it."""
    condition, arguments = visible_customers_sql(scope, "known.customer_id", now, first_parameter=2)
    found = await uow.driver.fetchval(
        f"SELECT 1 FROM book_assignment known WHERE known.customer_id = $1 AND {condition} LIMIT 1",  # noqa: S608  # built from constants
        customer_id,
        *arguments,
    )
    return found is not None


def _stored(row: Mapping[str, Any]) -> StoredScore:
    detail = row["detail"]
    return StoredScore(**{**dict(row), "detail": json.loads(detail) if isinstance(detail, str) else detail})


def main_reason_code(score: ScoreOut) -> str | None:
    """The strongest reason for concern; None where nothing raises the risk."""
    first = score.retention.reasons[0] if score.retention.reasons else None
    return first.code if first and first.contribution_bp > 0 and first.code not in UNNAMED else None
