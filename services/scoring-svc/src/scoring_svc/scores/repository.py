"""Stored scores and the queue of dirty customers."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.method import Method
from scoring_svc.scores.columns import COLUMNS, columns_of, is_plain, score_of
from scoring_svc.scores.documents import document_of, score_of_document
from scoring_svc.scores.policy import Score

NEVER = date.min


@dataclass(frozen=True, slots=True)
class Published:
    """What was last told of a customer's score."""

    band: str
    main_reason: str | None


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score as it is stored; see `ScoreRow`. `score` is None where the row names a version that there is not."""

    customer_id: UUID
    as_of: date
    known_at: datetime
    value_bp: int
    band: str
    main_reason: str | None
    model_version: str
    bands_version: str
    score: Score | None


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


async def share_book(uow: UnitOfWork) -> None:
    """Hold off the exchange of the book to the end of the transaction, or wait until it is over; the first statement of a scorer."""
    await uow.driver.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('score book', 0))")


async def claim_untold(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Published]:
    """What was last told of each customer. What a book run has yet to tell of them is the caller's to tell from now on."""
    rows = await uow.driver.fetch(
        "WITH untold AS (DELETE FROM score_news WHERE customer_id = ANY($1::uuid[]) RETURNING customer_id, band, main_reason)"
        " SELECT score.customer_id, coalesce(untold.band, score.band),"
        " CASE WHEN untold.customer_id IS NULL THEN score.main_reason ELSE untold.main_reason END"
        " FROM score LEFT JOIN untold USING (customer_id) WHERE score.customer_id = ANY($1::uuid[])",
        list(customer_ids),
    )
    return {row[0]: Published(row[1], row[2]) for row in rows}


async def note_touched(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Tell the book run under way, unless it has exchanged the book, that what it has read of the customers is no longer so."""
    await uow.driver.execute(
        "INSERT INTO score_touched (customer_id) SELECT told FROM unnest($1::uuid[]) AS told"
        " WHERE EXISTS (SELECT FROM score_run WHERE state = 'running' AND stage <> 'publishing')",
        list(customer_ids),
    )


async def store_scores(uow: UnitOfWork, scores: Sequence[tuple[Score, CustomerHistory]], settled: Collection[UUID]) -> None:
    """Insert or replace, one statement for all. `scores` in the order of customer ids; `settled`: whose silence was judged."""
    columns = zip(*(columns_of(score, history) for score, history in scores), strict=True)
    values = [score for score, _ in scores]
    await uow.driver.execute(
        _STORE,
        [s.customer_id for s in values],
        [s.as_of for s in values],
        [s.known_at for s in values],
        [s.retention.value_bp for s in values],
        [s.retention.band for s in values],
        [s.main_reason_code for s in values],
        [str(s.versions) for s in values],
        [s.bands_version for s in values],
        [None if is_plain(s) else json.dumps(document_of(s), ensure_ascii=False) for s in values],
        [s.as_of if s.customer_id in settled else NEVER for s in values],
        *columns,
    )


async def forget_scores(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Delete the scores of customers of whom no entry counts any more."""
    await uow.driver.execute("DELETE FROM score WHERE customer_id = ANY($1::uuid[])", list(customer_ids))


_STORED = ", ".join(("customer_id, as_of, known_at, value_bp, band, main_reason, model_version, bands_version, detail", *COLUMNS))
_UNTOUCHED = "NOT EXISTS (SELECT FROM dirty_customer waiting WHERE waiting.customer_id = score.customer_id)"


async def sample_scores(uow: UnitOfWork, method: Method, day: date, limit: int) -> list[StoredScore]:
    """The day's sample of stored scores that nothing has touched since: another one every day, the same for the same day."""
    rows = await uow.driver.fetch(
        f"SELECT {_STORED} FROM score WHERE {_UNTOUCHED} ORDER BY md5(customer_id::text || $1), customer_id LIMIT $2",  # noqa: S608  # constants
        day.isoformat(),
        limit,
    )
    return [_stored(row, method) for row in rows]


async def untouched(uow: UnitOfWork, method: Method, customer_ids: Collection[UUID]) -> list[StoredScore]:
    """Those of the customers whose stored score rests on all that is known now."""
    rows = await uow.driver.fetch(
        f"SELECT {_STORED} FROM score WHERE customer_id = ANY($1::uuid[]) AND {_UNTOUCHED}",  # noqa: S608  # constants
        list(customer_ids),
    )
    return [_stored(row, method) for row in rows]


async def read_scores(uow: UnitOfWork, method: Method, customer_ids: Collection[UUID]) -> dict[UUID, Score]:
    """The stored scores of those customers who have one, in the order of their ids."""
    rows = await uow.driver.fetch(
        f"SELECT {_STORED} FROM score WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id",  # noqa: S608  # constants
        list(customer_ids),
    )
    return {row["customer_id"]: _score(row, method) for row in rows}


def _stored(row: Mapping[str, Any], method: Method) -> StoredScore:
    values = {field.name: row[field.name] for field in fields(StoredScore) if field.name != "score"}
    try:
        return StoredScore(**values, score=_score(row, method))
    except (LookupError, ValueError):
        return StoredScore(**values, score=None)


def _score(row: Mapping[str, Any], method: Method) -> Score:
    detail = row["detail"]
    if detail is None:
        return score_of(row, method)
    return score_of_document(json.loads(detail) if isinstance(detail, str) else detail)
