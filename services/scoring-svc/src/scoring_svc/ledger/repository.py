"""The ledger and its aggregates, batch by batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.money import SUM_LIMIT, saturated_sql

from scoring_svc.ledger.policy import CORRECTION, OPENING, DailyActivity
from scoring_svc.queues import rescoring


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting. `amount_minor` is signed, in minor units of `currency`; `traceparent` leads back to what caused it."""

    customer_id: UUID
    entry_id: UUID
    account_id: UUID
    booked_on: date
    amount_minor: int
    currency: str
    activity_class: str
    code: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Reversal:
    """`entry_id` no longer counts. As in `Entry`, `traceparent` is that of the event that told it."""

    customer_id: UUID
    entry_id: UUID
    reversal_id: UUID
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an account held at the end of the business day `as_of`. `traceparent` is that of the event that told it.

    Of one day the report of the greatest `revision` stands.
    """

    customer_id: UUID
    account_id: UUID
    as_of: date
    balance_minor: int
    currency: str
    traceparent: str | None = None
    revision: int = 0


_CREDITS = "coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)"
_DEBITS = "coalesce(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)"
_SUMS = f"{saturated_sql(_CREDITS)} AS credit_minor, {saturated_sql(_DEBITS)} AS debit_minor"
_REVERSED_SUMS = f"-{saturated_sql(_CREDITS)} AS credit_minor, -{saturated_sql(_DEBITS)} AS debit_minor"

# A day that is full stays full whatever is added; what is taken from it is counted anew (`_COUNT_ANEW`), for nobody knows how far beyond
# the limit it was.
_ADD_TO_DAYS = f"""
    INSERT INTO daily_activity AS day (customer_id, booked_on, currency, activity_class, entries, credit_minor, debit_minor)
    SELECT customer_id, booked_on, currency, activity_class, entries, credit_minor, debit_minor FROM delta
    ORDER BY customer_id, booked_on, currency, activity_class
    ON CONFLICT (customer_id, booked_on, currency, activity_class) DO UPDATE SET
        entries = day.entries + EXCLUDED.entries,
        credit_minor = CASE WHEN day.credit_minor >= {SUM_LIMIT} THEN {SUM_LIMIT}
            ELSE least(day.credit_minor + EXCLUDED.credit_minor, {SUM_LIMIT}) END,
        debit_minor = CASE WHEN day.debit_minor <= -{SUM_LIMIT} THEN -{SUM_LIMIT}
            ELSE greatest(day.debit_minor + EXCLUDED.debit_minor, -{SUM_LIMIT}) END
"""  # noqa: S608  # constants only

# In the trace of the event that came last: it is the one whose score somebody waits for.
_TOUCHED = """
    SELECT customer_id, {now}, touched_from, traceparent, false
    FROM (SELECT customer_id, min(booked_on) AS touched_from, max(place) AS place FROM delta GROUP BY customer_id) touched
    JOIN incoming USING (customer_id, place) ORDER BY customer_id
"""

# An entry whose reversal came first is kept for the record but never counts. Both data-modifying parts run to the end whatever is
# selected from them.
_FOLD_ENTRIES = f"""
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::date[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $10::text[]) WITH ORDINALITY
        AS entry (customer_id, entry_id, account_id, booked_on, amount_minor, currency, activity_class, code, traceparent, place)
), fresh AS (
    INSERT INTO ledger_entry (customer_id, entry_id, account_id, booked_on, amount_minor, currency, activity_class, code, recorded_at)
    SELECT customer_id, entry_id, account_id, booked_on, amount_minor, currency, activity_class, code, $9::timestamptz
    FROM incoming ORDER BY customer_id, entry_id
    ON CONFLICT (customer_id, entry_id) DO NOTHING
    RETURNING customer_id, entry_id, booked_on, amount_minor, currency, activity_class
), delta AS (
    SELECT customer_id, booked_on, currency, activity_class, count(*)::int AS entries,
        {_SUMS}, max(place) AS place
    FROM fresh JOIN (SELECT customer_id, entry_id, place FROM incoming) told USING (customer_id, entry_id)
    WHERE NOT EXISTS (
        SELECT FROM ledger_reversal undone WHERE undone.customer_id = fresh.customer_id AND undone.entry_id = fresh.entry_id)
    GROUP BY 1, 2, 3, 4
), days AS ({_ADD_TO_DAYS}), marks AS ({rescoring.mark_posted_sql(_TOUCHED.format(now="$9::timestamptz"))})
SELECT customer_id, entry_id FROM fresh
"""  # noqa: S608  # constants only

_FOLD_REVERSALS = f"""
WITH incoming AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $5::text[]) WITH ORDINALITY
        AS undone (customer_id, entry_id, reversal_id, traceparent, place)
), fresh AS (
    INSERT INTO ledger_reversal (customer_id, entry_id, reversal_id, recorded_at)
    SELECT customer_id, entry_id, reversal_id, $4::timestamptz FROM incoming ORDER BY customer_id, entry_id
    ON CONFLICT (customer_id, entry_id) DO NOTHING
    RETURNING customer_id, entry_id
), delta AS (
    SELECT customer_id, booked_on, currency, activity_class, -count(*)::int AS entries,
        {_REVERSED_SUMS}, max(place) AS place
    FROM fresh JOIN ledger_entry USING (customer_id, entry_id)
    JOIN (SELECT customer_id, entry_id, place FROM incoming) told USING (customer_id, entry_id)
    GROUP BY 1, 2, 3, 4
), days AS ({_ADD_TO_DAYS} RETURNING customer_id, booked_on, currency, activity_class,
    credit_minor >= {SUM_LIMIT} OR debit_minor <= -{SUM_LIMIT} AS is_full
), marks AS ({rescoring.mark_posted_sql(_TOUCHED.format(now="$4::timestamptz"))})
SELECT customer_id, booked_on, currency, activity_class, is_full FROM days
"""  # noqa: S608  # constants only

# The rows of `days` are locked by this transaction: whoever adds to them waits, and adds to what is counted here.
_COUNT_ANEW = f"""
UPDATE daily_activity day SET credit_minor = counted.credit_minor, debit_minor = counted.debit_minor FROM (
    SELECT customer_id, booked_on, currency, activity_class, {_SUMS}
    FROM ledger_entry entry JOIN unnest($1::uuid[], $2::date[], $3::text[], $4::text[])
        AS full_day (customer_id, booked_on, currency, activity_class) USING (customer_id, booked_on, currency, activity_class)
    WHERE NOT EXISTS (
        SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id AND undone.entry_id = entry.entry_id)
    GROUP BY 1, 2, 3, 4
) counted WHERE (day.customer_id, day.booked_on, day.currency, day.activity_class)
    = (counted.customer_id, counted.booked_on, counted.currency, counted.activity_class)
"""  # noqa: S608  # constants only


async def fold_entries(uow: UnitOfWork, entries: Sequence[Entry], recorded_at: datetime, today: date) -> set[tuple[UUID, UUID]]:
    """Add the entries that are new to ledger and aggregates; return their keys. The batch holds each key once; `today` is the business
    date."""
    rows = await uow.driver.fetch(
        _FOLD_ENTRIES,
        [e.customer_id for e in entries],
        [e.entry_id for e in entries],
        [e.account_id for e in entries],
        [e.booked_on for e in entries],
        [e.amount_minor for e in entries],
        [e.currency for e in entries],
        [e.activity_class for e in entries],
        [e.code for e in entries],
        recorded_at,
        [e.traceparent for e in entries],
    )
    # Without the condition every batch would wait for the others at this row.
    # A posting dated ahead says nothing of how far the feed has come.
    latest = max((e.booked_on for e in entries if e.booked_on <= today), default=None)
    if latest is not None:
        await uow.driver.execute("UPDATE feed_position SET booked_on = $1 WHERE booked_on < $1", latest)
    return {(row[0], row[1]) for row in rows}


async def feed_position(uow: UnitOfWork) -> date:
    """The latest business date that any posting has been booked on; year 1 before the first."""
    found: date = await uow.driver.fetchval("SELECT booked_on FROM feed_position")
    return found


async def fold_reversals(uow: UnitOfWork, reversals: Sequence[Reversal], recorded_at: datetime) -> None:
    """Take the reversed entries out of the aggregates, once; a day on which nothing is left is deleted."""
    days = await uow.driver.fetch(
        _FOLD_REVERSALS,
        [r.customer_id for r in reversals],
        [r.entry_id for r in reversals],
        [r.reversal_id for r in reversals],
        recorded_at,
        [r.traceparent for r in reversals],
    )
    full = [row for row in days if row["is_full"]]
    if full:
        await uow.driver.execute(_COUNT_ANEW, *([row[at] for row in full] for at in range(4)))
    touched = list({row[0] for row in days})
    await uow.driver.execute("DELETE FROM daily_activity WHERE entries = 0 AND customer_id = ANY($1::uuid[])", touched)


_ADD_REPORTS = """
INSERT INTO reported_balance AS new (customer_id, account_id, as_of, balance_minor, currency, revision, recorded_at)
SELECT *, $7::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[], $5::text[], $6::bigint[])
ON CONFLICT (customer_id, account_id, as_of, revision) DO NOTHING RETURNING customer_id, as_of, EXISTS (
    SELECT FROM reported_balance AS old WHERE (old.customer_id, old.account_id, old.as_of) = (new.customer_id, new.account_id, new.as_of)
) AS corrects
"""

# The running sum of an account's entries takes in all of the report's day. A null $3 asks for all that is known.
_RECKONED = f"""
WITH reported AS (
    SELECT DISTINCT ON (customer_id, account_id, as_of) customer_id, account_id, currency, as_of, balance_minor FROM reported_balance
    WHERE customer_id = ANY($1::uuid[]) AND as_of <= $2::date AND ($3::timestamptz IS NULL OR recorded_at <= $3)
    ORDER BY customer_id, account_id, as_of, revision DESC
), moves AS (
    SELECT customer_id, account_id, currency, booked_on AS day, amount_minor, NULL::bigint AS balance_minor
    FROM ledger_entry entry JOIN (SELECT customer_id, account_id, currency, max(as_of) AS last FROM reported GROUP BY 1, 2, 3) told
        USING (customer_id, account_id, currency)
    WHERE customer_id = ANY($1) AND booked_on <= last AND ($3 IS NULL OR recorded_at <= $3) AND NOT EXISTS (
        SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id AND undone.entry_id = entry.entry_id
            AND ($3 IS NULL OR undone.recorded_at <= $3))
    UNION ALL SELECT customer_id, account_id, currency, as_of, 0, balance_minor FROM reported
), posted AS (
    SELECT *, sum(amount_minor) OVER (PARTITION BY customer_id, account_id, currency ORDER BY day) AS sum FROM moves
), reckoned AS (
    SELECT customer_id, currency, day, balance_minor - sum - lag(balance_minor - sum, 1, 0) OVER reports AS minor,
        CASE row_number() OVER reports WHEN 1 THEN '{OPENING}' ELSE '{CORRECTION}' END AS activity_class
    FROM posted WHERE balance_minor IS NOT NULL WINDOW reports AS (PARTITION BY customer_id, account_id, currency ORDER BY day)
)
SELECT customer_id, day, currency, activity_class, 0,
    greatest({saturated_sql("sum(minor)")}, 0) AS credit_minor, least({saturated_sql("sum(minor)")}, 0) AS debit_minor
FROM reckoned GROUP BY 1, 2, 3, 4 HAVING sum(minor) <> 0
"""  # noqa: S608  # constants only


async def add_reports(uow: UnitOfWork, reports: Sequence[Report], recorded_at: datetime) -> None:
    """Keep each report once, and mark dirty the customers whose balance it moves: one that only confirms the entries does not."""
    if not reports:
        return
    rows = await uow.driver.fetch(
        _ADD_REPORTS,
        [r.customer_id for r in reports],
        [r.account_id for r in reports],
        [r.as_of for r in reports],
        [r.balance_minor for r in reports],
        [r.currency for r in reports],
        [r.revision for r in reports],
        recorded_at,
    )
    since: dict[UUID, date] = {}
    for customer_id, as_of, _ in rows:
        since[customer_id] = min(as_of, since.get(customer_id, as_of))
    reckoned = await uow.driver.fetch(_RECKONED, list(since), date.max, None)
    corrected = {row["customer_id"] for row in rows if row["corrects"]}  # what it corrects may leave nothing to reckon
    moved = sorted(corrected | {row["customer_id"] for row in reckoned if row["day"] >= since[row["customer_id"]]})
    traces = {r.customer_id: r.traceparent for r in reports}
    await rescoring.mark_reported(uow, moved, [since[one] for one in moved], [traces[one] for one in moved], recorded_at)


async def read_entries(uow: UnitOfWork, keys: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Entry]:
    """Entries by (customer, entry)."""
    if not keys:
        return {}
    rows = await uow.driver.fetch(
        "SELECT customer_id, entry_id, account_id, booked_on, amount_minor, currency, activity_class, code FROM ledger_entry"
        " WHERE (customer_id, entry_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
        *zip(*keys, strict=True),
    )
    return {(row["customer_id"], row["entry_id"]): Entry(**dict(row)) for row in rows}


async def read_days(uow: UnitOfWork, customer_ids: Collection[UUID], *, until: date) -> dict[UUID, list[DailyActivity]]:
    """All daily aggregates up to and including `until`, by customer, in date order. For consumers and jobs.

    With them, as days without an entry, what the balances reported by then add to the entries (`OPENING`, `CORRECTION`): with both, the
    sum of all days up to one on which every account was reported is the balance as reported. Without a report it begins at zero.
    """
    rows = await uow.driver.fetch(
        "SELECT customer_id, booked_on, currency, activity_class, entries, credit_minor, debit_minor FROM daily_activity"
        " WHERE customer_id = ANY($1::uuid[]) AND booked_on <= $2 ORDER BY customer_id, booked_on, currency, activity_class",
        list(customer_ids),
        until,
    )
    return await _with_reports(uow, rows, customer_ids, until, None)


async def read_days_known_at(
    uow: UnitOfWork, customer_ids: Collection[UUID], *, until: date, known_at: datetime
) -> dict[UUID, list[DailyActivity]]:
    """As `read_days`, but from the ledger: only what was recorded by `known_at`, reports included, and not reversed by then."""
    rows = await uow.driver.fetch(
        f"SELECT customer_id, booked_on, currency, activity_class, count(*)::int AS entries, {_SUMS}"  # noqa: S608  # constants
        " FROM ledger_entry entry WHERE customer_id = ANY($1::uuid[]) AND booked_on <= $2 AND recorded_at <= $3"
        " AND NOT EXISTS (SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id"
        " AND undone.entry_id = entry.entry_id AND undone.recorded_at <= $3)"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        list(customer_ids),
        until,
        known_at,
    )
    return await _with_reports(uow, rows, customer_ids, until, known_at)


async def read_reported(
    uow: UnitOfWork, customer_id: UUID, *, until: date, known_at: datetime | None
) -> dict[str, tuple[int, date]]:
    """By currency: how many accounts were reported, and for which business date last; known as in `read_days` and its sister."""
    rows = await uow.driver.fetch(
        "SELECT currency, count(DISTINCT account_id) AS accounts, max(as_of) AS last FROM reported_balance"
        " WHERE customer_id = $1 AND as_of <= $2 AND ($3::timestamptz IS NULL OR recorded_at <= $3) GROUP BY currency",
        customer_id,
        until,
        known_at,
    )
    return {row["currency"]: (row["accounts"], row["last"]) for row in rows}


async def _with_reports(
    uow: UnitOfWork, rows: Sequence[Mapping[str, Any]], customer_ids: Collection[UUID], until: date, known_at: datetime | None
) -> dict[UUID, list[DailyActivity]]:
    days: dict[UUID, list[DailyActivity]] = {}
    for row in rows:
        days.setdefault(row["customer_id"], []).append(DailyActivity(*row.values()))
    reckoned = await uow.driver.fetch(_RECKONED, list(customer_ids), until, known_at)
    for row in reckoned:
        days.setdefault(row["customer_id"], []).append(DailyActivity(*row.values()))
    for customer_id in {row["customer_id"] for row in reckoned}:
        days[customer_id].sort(key=lambda day: (day.booked_on, day.currency, day.activity_class))
    return days


@dataclass(frozen=True, slots=True)
class EntriesOf:
    """A customer's entries in one currency up to a business date that counted at an instant."""

    customer_id: UUID
    currency: str
    until: date
    known_at: datetime


_COUNTED = """
    FROM ledger_entry entry WHERE customer_id = $1 AND currency = $2 AND booked_on <= $3 AND recorded_at <= $4 AND booked_on > $5
    AND NOT EXISTS (SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id
        AND undone.entry_id = entry.entry_id AND undone.recorded_at <= $4)
"""


async def latest_entry_ids(
    uow: UnitOfWork,
    entries: EntriesOf,
    classes: Collection[str],
    limit: int,
    *,
    since: date = date.min,
    credits_only: bool = False,
) -> list[UUID]:
    """Of these classes and after `since`, the latest first."""
    rows = await uow.driver.fetch(
        f"SELECT entry_id {_COUNTED} AND activity_class = ANY($6::text[]) AND (amount_minor > 0 OR NOT $7)"  # constants
        " ORDER BY booked_on DESC, entry_id LIMIT $8",
        *(entries.customer_id, entries.currency, entries.until, entries.known_at, since),
        list(classes),
        credits_only,
        limit,
    )
    return [row[0] for row in rows]


async def largest_debit_ids(
    uow: UnitOfWork, entries: EntriesOf, excluded: Collection[str], limit: int, *, since: date
) -> list[UUID]:
    """Not of these classes and after `since`, the largest first."""
    rows = await uow.driver.fetch(
        f"SELECT entry_id {_COUNTED} AND activity_class <> ALL($6::text[]) AND amount_minor < 0"  # constants
        " ORDER BY amount_minor, entry_id LIMIT $7",
        *(entries.customer_id, entries.currency, entries.until, entries.known_at, since),
        list(excluded),
        limit,
    )
    return [row[0] for row in rows]


async def entry_ids_on(uow: UnitOfWork, customer_id: UUID, day: date, classes: Collection[str], *, limit: int = 50) -> list[UUID]:
    """The entries that count on a day, largest first: the lineage of a signal."""
    rows = await uow.driver.fetch(
        "SELECT entry_id FROM ledger_entry entry WHERE customer_id = $1 AND booked_on = $2 AND activity_class = ANY($3::text[])"
        " AND NOT EXISTS (SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id"
        " AND undone.entry_id = entry.entry_id) ORDER BY abs(amount_minor) DESC, entry_id LIMIT $4",
        customer_id,
        day,
        list(classes),
        limit,
    )
    return [row[0] for row in rows]
