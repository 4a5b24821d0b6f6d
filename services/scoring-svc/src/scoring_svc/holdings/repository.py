"""The holdings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.holdings.policy import Holding


@dataclass(frozen=True, slots=True)
class HoldingChange:
    """What one event tells of an account; None: nothing. The revision stands with what it is of: opening, closing or balance."""

    customer_id: UUID
    account_id: UUID
    product_code: str | None = None
    currency: str | None = None
    opened_on: date | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    balance_minor: int | None = None
    balance_as_of: date | None = None
    opening_revision: int | None = None
    status_revision: int | None = None
    balance_revision: int | None = None


# Of the opening, of the closing, and of the balance of the latest day the greatest revision stands, whichever event comes last.
_OPENING_IS_NEWER = "EXCLUDED.opening_revision > coalesce(kept.opening_revision, -1)"
_BALANCE_IS_NEWER = """(EXCLUDED.balance_as_of, EXCLUDED.balance_revision)
        > (coalesce(kept.balance_as_of, '-infinity'), coalesce(kept.balance_revision, -1))"""
_APPLY = f"""
INSERT INTO holding AS kept
    (customer_id, account_id, product_code, currency, opened_on, matures_on, closed_on, balance_minor, balance_as_of,
    product_recorded_at, opening_revision, status_revision, balance_revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $3::text IS NOT NULL THEN $10::timestamptz END, $11, $12, $13)
ON CONFLICT (customer_id, account_id) DO UPDATE SET
    product_code = CASE WHEN {_OPENING_IS_NEWER} THEN EXCLUDED.product_code ELSE kept.product_code END,
    currency = coalesce(EXCLUDED.currency, kept.currency),
    opened_on = CASE WHEN {_OPENING_IS_NEWER} THEN EXCLUDED.opened_on ELSE kept.opened_on END,
    matures_on = CASE WHEN {_OPENING_IS_NEWER} THEN EXCLUDED.matures_on ELSE kept.matures_on END,
    closed_on = CASE WHEN EXCLUDED.status_revision > coalesce(kept.status_revision, -1)
        THEN EXCLUDED.closed_on ELSE kept.closed_on END,
    balance_minor = CASE WHEN {_BALANCE_IS_NEWER} THEN EXCLUDED.balance_minor ELSE kept.balance_minor END,
    balance_revision = CASE WHEN {_BALANCE_IS_NEWER} THEN EXCLUDED.balance_revision ELSE kept.balance_revision END,
    balance_as_of = greatest(EXCLUDED.balance_as_of, kept.balance_as_of),
    product_recorded_at = CASE WHEN {_OPENING_IS_NEWER} AND kept.product_code IS DISTINCT FROM EXCLUDED.product_code
        THEN EXCLUDED.product_recorded_at ELSE kept.product_recorded_at END,
    opening_revision = greatest(EXCLUDED.opening_revision, kept.opening_revision),
    status_revision = greatest(EXCLUDED.status_revision, kept.status_revision)
"""  # noqa: S608  # constants only


async def apply_changes(uow: UnitOfWork, changes: Sequence[HoldingChange], recorded_at: datetime) -> None:
    await uow.driver.executemany(
        _APPLY,
        [
            (
                c.customer_id,
                c.account_id,
                c.product_code,
                c.currency,
                c.opened_on,
                c.matures_on,
                c.closed_on,
                c.balance_minor,
                c.balance_as_of,
                recorded_at,
                c.opening_revision,
                c.status_revision,
                c.balance_revision,
            )
            for c in changes
        ],
    )


async def read_holdings(uow: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, list[Holding]]:
    """The accounts whose opening is known, by customer, the oldest first, with the day of their last entry."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, account_id, product_code, currency, opened_on, matures_on, closed_on, balance_minor,"
        " (SELECT max(booked_on) FROM ledger_entry entry WHERE entry.customer_id = holding.customer_id"
        " AND entry.account_id = holding.account_id) AS last_used_on"
        " FROM holding WHERE customer_id = ANY($1::uuid[]) AND product_code IS NOT NULL AND opened_on IS NOT NULL"
        " ORDER BY customer_id, opened_on, account_id",
        list(customer_ids),
    )
    found: dict[UUID, list[Holding]] = {}
    for row in rows:
        fields = dict(row)
        found.setdefault(fields.pop("customer_id"), []).append(Holding(**fields))
    return found


async def forget_holdings(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    await uow.driver.execute("DELETE FROM holding WHERE customer_id = ANY($1::uuid[])", list(customer_ids))
