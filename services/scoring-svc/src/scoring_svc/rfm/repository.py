"""The bounds that runs froze, and RFM cells of a whole book on two dates, counted where the daily aggregates lie."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.money import saturated_sql
from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.work import Work
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from scoring_svc.rfm.policy import NO_CELL, RfmBounds
from scoring_svc.rfm.tables import RfmBandSetRow

_bands = table_of(RfmBandSetRow)

# One pass over the days of both windows. `width_bucket` counts the bounds that do not exceed a value, and the tie rule asks for those
# that lie strictly below it: the same, of the next smaller integer.
_MOVES = """
WITH bounds AS (
    SELECT currency, recency::bigint[], frequency::bigint[], monetary::bigint[]
    FROM unnest($5::text[], $6::text[], $7::text[], $8::text[]) AS given (currency, recency, frequency, monetary)
), acts AS (
    SELECT customer_id, currency, booked_on, entries, credit_minor - debit_minor AS money,
        booked_on > $1::date - $3::int AND booked_on <= $1::date AS before,
        booked_on > $2::date - $3::int AND booked_on <= $2::date AS after
    FROM daily_activity day
    WHERE activity_class = ANY($4::text[]) AND booked_on > $1::date - $3::int AND booked_on <= $2::date AND {visible}
), customers AS (
    SELECT currency,
        $1::date - max(booked_on) FILTER (WHERE before) AS recency_before, $2::date - max(booked_on) FILTER (WHERE after) AS recency_after,
        coalesce(sum(entries) FILTER (WHERE before), 0) AS often_before, coalesce(sum(entries) FILTER (WHERE after), 0) AS often_after,
        {money_before} AS money_before, {money_after} AS money_after
    FROM acts GROUP BY customer_id, currency
)
SELECT currency, bounds.currency IS NOT NULL AS bounded,
    CASE WHEN often_before > 0 THEN 511 - 100 * width_bucket(recency_before::bigint - 1, recency)
        + 10 * width_bucket(often_before - 1, frequency) + width_bucket(money_before - 1, monetary) ELSE {no_cell} END AS before,
    CASE WHEN often_after > 0 THEN 511 - 100 * width_bucket(recency_after::bigint - 1, recency)
        + 10 * width_bucket(often_after - 1, frequency) + width_bucket(money_after - 1, monetary) ELSE {no_cell} END AS after,
    count(*) AS customers
FROM customers LEFT JOIN bounds USING (currency)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_MONEY = {f"money_{when}": saturated_sql(f"coalesce(sum(money) FILTER (WHERE {when}), 0)") for when in ("before", "after")}


async def count_moves(
    work: Work, before: date, after: date, window_days: int, customer_initiated: Collection[str], bounds: Mapping[str, RfmBounds]
) -> dict[str, list[tuple[int, int, int]] | None]:
    """(cell before, cell after, customers) by currency, ascending; None for a currency without bounds.

    The cells are those of `policy.cell` under `bounds` on both dates, by present knowledge of the days.
    """
    visible, arguments = visible_customers_sql(work.scope, "day.customer_id", work.now, first_parameter=9)
    rows = await work.uow.driver.fetch(
        _MOVES.format(visible=visible, no_cell=NO_CELL, **_MONEY),
        before,
        after,
        window_days,
        sorted(customer_initiated),
        list(bounds),
        [_array(one.recency_days) for one in bounds.values()],
        [_array(one.frequency) for one in bounds.values()],
        [_array(one.monetary_minor) for one in bounds.values()],
        *arguments,
    )
    found: dict[str, list[tuple[int, int, int]] | None] = {}
    for row in rows:
        moves = found.setdefault(row["currency"], [] if row["bounded"] else None)
        if moves is not None:
            moves.append((row["before"], row["after"], row["customers"]))
    return found


def _array(bounds: Iterable[int]) -> str:
    return "{" + ",".join(map(str, bounds)) + "}"


async def freeze_bands(
    uow: UnitOfWork, run_id: UUID, as_of: date, window_days: int, bounds: Mapping[str, RfmBounds], now: datetime
) -> None:
    for currency, found in bounds.items():
        await uow.execute(
            insert(_bands).values(
                run_id=run_id,
                currency=currency,
                as_of=as_of,
                window_days=window_days,
                bounds=json.loads(
                    json.dumps(
                        {
                            "recency_days": found.recency_days,
                            "frequency": found.frequency,
                            "monetary_minor": found.monetary_minor,
                        }
                    )
                ),
                frozen_at=now,
            )
        )


async def read_newest_bounds(uow: UnitOfWork) -> dict[str, RfmBounds]:
    """By currency, the bounds of the last run that froze any."""
    newest = (
        select(_bands.c.currency, _bands.c.run_id, _bands.c.bounds)
        .ext(distinct_on(_bands.c.currency))
        .order_by(_bands.c.currency, _bands.c.frozen_at.desc(), _bands.c.run_id.desc())
    )
    return {row.currency: _bounds(row.bounds, row.run_id) for row in await uow.execute(newest)}


async def read_bounds_of(uow: UnitOfWork, run_id: UUID) -> dict[str, RfmBounds]:
    """By currency, the bounds that a run froze: they are never changed or deleted."""
    frozen = select(_bands.c.currency, _bands.c.bounds).where(_bands.c.run_id == run_id)
    return {row.currency: _bounds(row.bounds, run_id) for row in await uow.execute(frozen)}


def _bounds(kept: Mapping[str, Any], run_id: UUID) -> RfmBounds:
    recency, frequency, monetary = (tuple(kept[name]) for name in ("recency_days", "frequency", "monetary_minor"))
    return RfmBounds(recency, frequency, monetary, f"run-{run_id}")
