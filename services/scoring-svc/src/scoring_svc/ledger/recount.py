"""The daily aggregates counted anew from the ledger: the end of a rebuild of `bank.transactions`."""

from datetime import datetime
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.queues import rescoring

CUSTOMERS: Final = 200
"""Counted in one transaction, which folds of postings wait for."""

_NEXT = """
SELECT DISTINCT customer_id FROM (
    (SELECT DISTINCT customer_id FROM ledger_entry WHERE customer_id > $1 ORDER BY customer_id LIMIT $2)
    UNION ALL (SELECT DISTINCT customer_id FROM daily_activity WHERE customer_id > $1 ORDER BY customer_id LIMIT $2)
) AS known ORDER BY customer_id LIMIT $2
"""
_COUNTED = """
SELECT customer_id, booked_on, currency, activity_class, count(*)::int AS entries,
    coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0) AS credit_minor,
    coalesce(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0) AS debit_minor
FROM ledger_entry AS entry WHERE customer_id = ANY($1::uuid[]) AND NOT EXISTS (
    SELECT FROM ledger_reversal AS undone WHERE undone.customer_id = entry.customer_id AND undone.entry_id = entry.entry_id)
GROUP BY 1, 2, 3, 4
"""
_DROP_WRONG = f"""
DELETE FROM daily_activity AS day WHERE customer_id = ANY($1::uuid[]) AND NOT EXISTS (
    SELECT FROM ({_COUNTED}) AS counted WHERE counted.customer_id = day.customer_id AND counted.booked_on = day.booked_on
        AND counted.currency = day.currency AND counted.activity_class = day.activity_class AND counted.entries = day.entries
        AND counted.credit_minor = day.credit_minor AND counted.debit_minor = day.debit_minor)
RETURNING customer_id, booked_on
"""  # noqa: S608  # constants only
_ADD_MISSING = f"""
INSERT INTO daily_activity (customer_id, booked_on, currency, activity_class, entries, credit_minor, debit_minor)
{_COUNTED} ON CONFLICT DO NOTHING RETURNING customer_id, booked_on
"""  # constants only


async def recount_days(uow: UnitOfWork, after: str | None, now: datetime) -> str | None:
    """Count the days of the next customers and put right what differs, their scores to be computed again; returns the last customer,
    None after the last of all.
    """
    customers = [row[0] for row in await uow.driver.fetch(_NEXT, UUID(after) if after else UUID(int=0), CUSTOMERS)]
    # A fold that is under way ends first, and the next statement sees all of it.
    await uow.driver.execute("LOCK TABLE daily_activity IN SHARE ROW EXCLUSIVE MODE")
    touched = [
        *await uow.driver.fetch(_DROP_WRONG, customers),
        *await uow.driver.fetch(_ADD_MISSING, customers),
    ]
    await rescoring.mark_recounted(uow, [(row[0], row[1]) for row in touched], now)
    return str(customers[-1]) if len(customers) == CUSTOMERS else None
