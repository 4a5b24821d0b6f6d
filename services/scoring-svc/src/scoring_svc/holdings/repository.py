"""The holdings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.holdings.policy import Holding


@dataclass(frozen=True, slots=True)
class HoldingChange:
    """What one event tells of an account; None: nothing."""

    customer_id: UUID
    account_id: UUID
    product_code: str | None = None
    currency: str | None = None
    opened_on: date | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    balance_minor: int | None = None
    balance_as_of: date | None = None


# What was told stays told; of balances the latest date wins, whichever event comes last.
_APPLY = """
INSERT INTO holding AS kept
    (customer_id, account_id, product_code, currency, opened_on, matures_on, closed_on, balance_minor, balance_as_of,
    product_recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $3::text IS NOT NULL THEN $10::timestamptz END)
ON CONFLICT (customer_id, account_id) DO UPDATE SET
    product_code = coalesce(EXCLUDED.product_code, kept.product_code),
    currency = coalesce(EXCLUDED.currency, kept.currency),
    opened_on = coalesce(EXCLUDED.opened_on, kept.opened_on),
    matures_on = coalesce(EXCLUDED.matures_on, kept.matures_on),
    closed_on = coalesce(EXCLUDED.closed_on, kept.closed_on),
    balance_minor = CASE WHEN EXCLUDED.balance_as_of >= coalesce(kept.balance_as_of, EXCLUDED.balance_as_of)
        THEN EXCLUDED.balance_minor ELSE kept.balance_minor END,
    balance_as_of = greatest(EXCLUDED.balance_as_of, kept.balance_as_of),
    product_recorded_at = CASE WHEN kept.product_code IS NULL THEN EXCLUDED.product_recorded_at ELSE kept.product_recorded_at END
"""


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
