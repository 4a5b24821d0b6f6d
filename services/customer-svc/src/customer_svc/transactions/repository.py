"""The posting table. All statements of the hot path take whole batches as arrays, sorted by key so that batches never deadlock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.principal import RowScope

from customer_svc.transactions.policy import Key, Posting, PostingState
from customer_svc.transactions.schemas import TransactionItem

_COLUMNS = (
    "account_id, external_id, state, source, account_number, booked_on, occurred_at, amount_minor, currency, code, reverses,"
    " reversed_by"
)

_COPIED = (
    "account_id", "external_id", "state", "source", "account_number", "booked_on", "occurred_at", "amount_minor", "currency", "code",
    "recorded_at",
)  # fmt: skip

_INSERT = f"""
INSERT INTO posting ({_COLUMNS}, recorded_at)
SELECT *, $13::timestamptz FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::timestamptz[], $8::bigint[], $9::text[], $10::text[],
    $11::text[], $12::text[])
ON CONFLICT (account_id, external_id) DO NOTHING
RETURNING account_id, external_id
"""  # noqa: S608  # constant column list

_LOCK_EXISTING = f"""
SELECT {_COLUMNS} FROM posting
WHERE (account_id, external_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
ORDER BY account_id, external_id FOR UPDATE
"""  # noqa: S608  # constant column list

_READ = f"""
SELECT {_COLUMNS} FROM posting WHERE (account_id, external_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""  # noqa: S608  # constant column list

_UPDATE = """
UPDATE posting SET state = u.state, booked_on = u.booked_on, occurred_at = u.occurred_at, amount_minor = u.amount_minor,
    currency = u.currency, code = u.code, reverses = u.reverses, reversed_by = u.reversed_by
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::timestamptz[], $6::bigint[], $7::text[], $8::text[], $9::text[],
    $10::text[])
    AS u (account_id, external_id, state, booked_on, occurred_at, amount_minor, currency, code, reverses, reversed_by)
WHERE posting.account_id = u.account_id AND posting.external_id = u.external_id
"""

_REVERSALS: Final = 0x5245
"""The first half of the advisory locks of `lock_reversals`."""


def _posting(row: Mapping[str, Any]) -> Posting:
    return Posting(**{**dict(row), "state": PostingState(row["state"])})


async def insert_postings(uow: UnitOfWork, postings: Iterable[Posting], recorded_at: datetime) -> set[Key]:
    """Insert those whose key is new and return these keys. A concurrent insert of the same key is waited for."""
    rows = sorted(postings, key=lambda posting: posting.key)
    columns: list[list[Any]] = [
        [p.account_id for p in rows],
        [p.external_id for p in rows],
        [p.state.value for p in rows],
        [p.source for p in rows],
        [p.account_number for p in rows],
        [p.booked_on for p in rows],
        [p.occurred_at for p in rows],
        [p.amount_minor for p in rows],
        [p.currency for p in rows],
        [p.code for p in rows],
        [p.reverses for p in rows],
        [p.reversed_by for p in rows],
    ]
    return {(row[0], row[1]) for row in await uow.driver.fetch(_INSERT, *columns, recorded_at)}


async def copy_new_postings(
    uow: UnitOfWork, items: Sequence[TransactionItem], account_ids: Sequence[str], recorded_at: datetime
) -> bool:
    """Keep a batch of postings on known accounts, if every key is new; else nothing is kept and the answer is False.

    A `COPY` straight into the table: its key refuses what is there before, and what another transaction is about to commit. The
    rows are sorted as everywhere, so batches never deadlock.
    """
    rows = [
        (account, item.external_id, "posted", item.source, item.account_number, item.booked_on, item.occurred_at,
         item.money.amount, item.money.currency, item.code, recorded_at)
        for account, item in zip(account_ids, items, strict=True)
        if item.money is not None
    ]  # fmt: skip
    rows.sort(key=itemgetter(0, 1))
    return await uow.copy_if_new("posting", rows, _COPIED)


async def lock_postings(uow: UnitOfWork, keys: Collection[Key]) -> dict[Key, Posting]:
    """Lock and return the rows of these keys, with the reversals that they name.

    Those are read, not locked: only who holds `lock_reversals` changes a reversal, and never one whose original is locked here.
    """
    if not keys:
        return {}
    found = {p.key: p for p in map(_posting, await uow.driver.fetch(_LOCK_EXISTING, *zip(*sorted(keys), strict=True)))}
    named = {(p.account_id, p.reversed_by) for p in found.values() if p.reversed_by} - found.keys()
    return found | {p.key: p for p in await _read_postings(uow, sorted(named))}


async def _read_postings(uow: UnitOfWork, keys: Sequence[tuple[UUID, str]]) -> list[Posting]:
    if not keys:
        return []
    return [_posting(row) for row in await uow.driver.fetch(_READ, *zip(*keys, strict=True))]


async def update_postings(uow: UnitOfWork, postings: Collection[Posting]) -> None:
    """Store the state and the content of rows that this transaction holds locked."""
    if not postings:
        return
    await uow.driver.execute(
        _UPDATE,
        [p.account_id for p in postings],
        [p.external_id for p in postings],
        [p.state.value for p in postings],
        [p.booked_on for p in postings],
        [p.occurred_at for p in postings],
        [p.amount_minor for p in postings],
        [p.currency for p in postings],
        [p.code for p in postings],
        [p.reverses for p in postings],
        [p.reversed_by for p in postings],
    )


async def delete_placeholders(uow: UnitOfWork, keys: Sequence[Key]) -> None:
    """Take back placeholders that this transaction inserted for reversals that were not taken."""
    if keys:
        await uow.driver.execute(
            "DELETE FROM posting WHERE (account_id, external_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))",
            *zip(*keys, strict=True),
        )


async def find_holders(uow: UnitOfWork, account_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Map the known accounts to their primary holders."""
    rows = await uow.driver.fetch("SELECT id, customer_id FROM account WHERE id = ANY($1::uuid[])", list(account_ids))
    return {row[0]: row[1] for row in rows}


async def find_holders_by_text(uow: UnitOfWork, account_ids: Collection[str]) -> dict[str, str]:
    """As `find_holders`, with ids as text."""
    rows = await uow.driver.fetch("SELECT id::text, customer_id::text FROM account WHERE id = ANY($1::uuid[])", list(account_ids))
    return {row[0]: row[1] for row in rows}


async def find_holders_or_hold_off_opening(uow: UnitOfWork, account_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """As `find_holders`; an account that stays unknown cannot be opened until this transaction ends."""
    known = await find_holders(uow, account_ids)
    unknown = [account for account in account_ids if account not in known]
    if unknown:
        await lock_account_openings(uow, unknown)
        known |= await find_holders(uow, unknown)
    return known


async def lock_account_openings(uow: UnitOfWork, account_ids: Collection[UUID]) -> None:
    """Make parking on, and opening of, these accounts exclude each other until the transaction ends."""
    await uow.driver.execute(
        "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(id::text, 7) AS key FROM unnest($1::uuid[]) AS id"
        " ORDER BY 1) AS keys",
        list(account_ids),
    )


async def lock_reversals(uow: UnitOfWork, account_ids: Collection[UUID]) -> None:
    """Batches with reversals on these accounts go one after the other until the transaction ends: one may change the rows of another.

    At most 256 locks, for a server holds a limited number.
    """
    await uow.driver.execute(
        "SELECT pg_advisory_xact_lock($2, bucket) FROM (SELECT DISTINCT hashtext(id::text) & 255 AS bucket"
        " FROM unnest($1::uuid[]) AS id ORDER BY 1) AS buckets",
        list(account_ids),
        _REVERSALS,
    )


async def lock_parked(uow: UnitOfWork, account_ids: Collection[UUID]) -> tuple[list[Posting], dict[Key, Posting]]:
    """Lock the parked postings of these accounts in booking order; the second answer holds the reversals that name one of them."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM posting WHERE account_id = ANY($1::uuid[]) AND state = 'parked'"  # noqa: S608  # constant
        " ORDER BY account_id, booked_on, external_id FOR UPDATE",
        list(account_ids),
    )
    parked = [_posting(row) for row in rows]
    reversals = await _read_postings(uow, [(p.account_id, p.reversed_by) for p in parked if p.reversed_by])
    return parked, {reversal.key: reversal for reversal in reversals}


async def list_parked(
    uow: UnitOfWork, scope: RowScope, *, source: str | None, after: tuple[str, str, str] | None, limit: int
) -> list[Posting]:
    """Parked postings by (account number, external id, source), after the position given; a client's are those of its sources."""
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM posting WHERE state = 'parked' AND ($1::text IS NULL OR source = $1)"  # noqa: S608  # constant
        " AND ($2::text[] IS NULL OR source = ANY($2))"
        " AND ($3::text IS NULL OR (account_number, external_id, source) > ($3, $4, $5))"
        " ORDER BY account_number, external_id, source LIMIT $6",
        source,
        None if scope.sources is None else list(scope.sources),
        *(after or (None, None, None)),
        limit,
    )
    return [_posting(row) for row in rows]
