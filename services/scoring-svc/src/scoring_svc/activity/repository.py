"""The sums, where the ledger lies."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.work import Work

from scoring_svc.activity.policy import Figures, Group

# One pass over the entries of the longest window, by `ix_ledger_entry_booked_on`. A null `known_at` asks for all that is known. The sums
# are `numeric`: nine thousand postings at the limit of the intake are more than eight bytes hold.
_SUMS = """
WITH counted AS (
    SELECT entry.booked_on, entry.currency, entry.activity_class, entry.amount_minor, held.product_code
    FROM ledger_entry entry LEFT JOIN holding held ON held.customer_id = entry.customer_id AND held.account_id = entry.account_id
        AND (held.product_recorded_at IS NULL OR $4::timestamptz IS NULL OR held.product_recorded_at <= $4)
    WHERE entry.customer_id = $1 AND entry.booked_on > $2::date - $5::int AND entry.booked_on <= $2
        AND ($4 IS NULL OR entry.recorded_at <= $4) AND {visible}
        AND NOT EXISTS (SELECT FROM ledger_reversal undone WHERE undone.customer_id = entry.customer_id
            AND undone.entry_id = entry.entry_id AND ($4 IS NULL OR undone.recorded_at <= $4))
)
SELECT days AS window_days, currency, grouping(product_code) = 0 AS of_product, grouping(activity_class) = 0 AS of_class,
    product_code, activity_class, count(*) AS count,
    coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0) AS inflow_minor,
    coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0) AS outflow_minor,
    count(DISTINCT booked_on) AS active_days, max(booked_on) AS last_on
FROM counted JOIN unnest($3::int[]) AS of (days) ON booked_on > $2 - days
GROUP BY days, currency, CUBE (product_code, activity_class)
"""


async def read_sums(work: Work, customer_id: UUID, as_of: date, windows: Sequence[int], known_at: datetime | None) -> list[Group]:
    """What counts by `as_of` in each window, in no order: the whole, and by product, by class and by both; only what had been
    recorded by `known_at` (None: all that is known), entries, reversals and products alike. Nothing of a customer out of scope."""
    visible, arguments = visible_customers_sql(work.scope, "entry.customer_id", work.now, first_parameter=6)
    rows = await work.uow.driver.fetch(
        _SUMS.format(visible=visible), customer_id, as_of, list(windows), known_at, max(windows), *arguments
    )
    return [
        Group(
            row["window_days"],
            row["currency"],
            row["of_product"],
            row["of_class"],
            row["product_code"],
            row["activity_class"],
            Figures(row["count"], int(row["inflow_minor"]), int(row["outflow_minor"]), row["active_days"], row["last_on"]),
        )
        for row in rows
    ]
