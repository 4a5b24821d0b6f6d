"""Totals of the posting table."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from guanxi_common.db.uow import UnitOfWork

from customer_svc.reconciliations.policy import LedgerComparison


@dataclass(frozen=True, slots=True)
class Total:
    count: int
    sum: int
    parked: int


_TOTALS = """
SELECT p.booked_on, coalesce(o.currency, p.currency) AS currency, count(*) AS count,
    sum(CASE WHEN p.state = 'reversal' THEN -o.amount_minor ELSE p.amount_minor END) AS sum,
    count(*) FILTER (WHERE p.state = 'parked' OR o.state = 'parked') AS parked
FROM posting p LEFT JOIN posting o ON p.state = 'reversal' AND o.account_id = p.account_id AND o.external_id = p.reverses
WHERE p.source = $1 AND p.booked_on = ANY($2::date[]) AND coalesce(o.currency, p.currency) IS NOT NULL
GROUP BY 1, 2
"""

_HELD = """
SELECT count(*) FROM posting p JOIN posting o ON o.account_id = p.account_id AND o.external_id = p.reverses
WHERE p.source = $1 AND p.booked_on = ANY($2::date[]) AND p.state = 'reversal' AND o.state = 'awaited'
"""


async def day_totals(uow: UnitOfWork, source: str, days: Collection[date]) -> dict[tuple[date, str], Total]:
    """Our count and sum by (booking date, currency)."""
    rows = await uow.driver.fetch(_TOTALS, source, list(days))
    return {(row["booked_on"], row["currency"]): Total(row["count"], int(row["sum"]), row["parked"]) for row in rows}


async def held_reversals(uow: UnitOfWork, source: str, days: Collection[date]) -> int:
    """Reversals of these days whose original has not come."""
    return int(await uow.driver.fetchval(_HELD, source, list(days)))


async def read_ledger_comparison(uow: UnitOfWork) -> LedgerComparison | None:
    """What scoring has last told of its ledger; None before the first time."""
    row = await uow.driver.fetchrow(
        "SELECT until, compared_at, jsonb_array_length(differing) AS differing FROM digest"
        " WHERE type = 'bank.transactions' AND compared_at IS NOT NULL"
    )
    return LedgerComparison(row["until"], row["compared_at"], row["differing"]) if row else None
