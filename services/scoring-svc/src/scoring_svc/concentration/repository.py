"""One value per customer of the book, computed where the daily aggregates lie."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from guanxi_common.money import saturated_sql
from guanxi_common.security.directory.scope import visible_customers_sql
from guanxi_common.work import Work

from scoring_svc.concentration.policy import Ints, MarginRates, Measure, Part

_PART = 10**9


def _product_sum(amount: str, factor: str, which: str = "") -> str:
    """The exact sum of products of a day's sum and a factor of at most 10^9; such a product may leave eight bytes.

    It is summed in two parts, of which none does: |amount| <= 2 * SUM_LIMIT = 8 * 10^18, so |amount / 10^9| * factor <= 8 * 10^18 < 2^63.
    In `numeric` it would take three times as long.
    """
    high = f"sum(({amount}) / {_PART} * {factor}) {which}"
    return f"{high} * {_PART} + sum(({amount}) % {_PART} * {factor}) {which}"


_NET = "day.credit_minor + day.debit_minor"
_IN_WINDOW = "day.booked_on > $2::date - $3::int"
_OF_CUSTOMER = f"{_IN_WINDOW} AND NOT day.activity_class = ANY($4::text[])"
# A change on the window's first day or before stands on every one of its days, one on its last day on one.
_AVERAGE = f"({_product_sum(_NET, 'least($3::int, $2::date - day.booked_on + 1)')}) / $3::int"
_VOLUME_RATE = "coalesce(($5::jsonb ->> day.activity_class)::int, 0)"
_VOLUME = _product_sum("day.credit_minor - day.debit_minor", _VOLUME_RATE, f"FILTER (WHERE {_OF_CUSTOMER})")
# A year's margin on what each open account last held, by the rate of the product that the account is: the one of its own code first. What
# is owed earns on loans and cards, what is overdrawn elsewhere earns nothing. Money owed and held is rounded once a customer.
_PRODUCT_MARGIN = """(
    SELECT sum(CASE WHEN rate.family IN ('loan', 'card') THEN abs(told.balance_minor) ELSE greatest(told.balance_minor, 0) END
        ::numeric * rate.margin_bp) / 10000.0
    FROM (SELECT DISTINCT ON (account_id) account_id, balance_minor FROM reported_balance
        WHERE customer_id = holder.customer_id AND currency = $1 AND as_of <= $2::date ORDER BY account_id, as_of DESC,
            revision DESC) told
    JOIN holding held ON held.customer_id = holder.customer_id AND held.account_id = told.account_id
        AND (held.closed_on IS NULL OR $2::date < held.closed_on)
    JOIN LATERAL (SELECT detail ->> 'family' AS family, (detail ->> 'margin_bp')::int AS margin_bp FROM product
        WHERE code = held.product_code OR detail -> 'holds_from_account_codes' ? held.product_code
        ORDER BY code = held.product_code DESC, code LIMIT 1) rate ON true
)"""
_VALUES = {
    Measure.PRODUCT_MARGIN: _PRODUCT_MARGIN,
    Measure.BALANCE: f"sum({_NET})",
    Measure.AVERAGE_BALANCE: _AVERAGE,
    Measure.INFLOW: f"sum(day.credit_minor) FILTER (WHERE {_OF_CUSTOMER})",
    Measure.OUTFLOW: f"-sum(day.debit_minor) FILTER (WHERE {_OF_CUSTOMER})",
    Measure.TURNOVER: f"sum(day.credit_minor - day.debit_minor) FILTER (WHERE {_OF_CUSTOMER})",
    Measure.MARGIN: (
        f"greatest({_AVERAGE}, 0) * $6::int * $3::int / (365 * 10000)"
        f" + coalesce({_VOLUME}, 0) / 10000"
        f" - coalesce(sum({_NET}) FILTER (WHERE {_IN_WINDOW} AND day.activity_class = ANY($4::text[])), 0)"
    ),
}
_FLOWS = (Measure.INFLOW, Measure.OUTFLOW, Measure.TURNOVER)
# A part is a row of the directory, or a code.
_GROUPS = {Part.BOOK: "NULL::uuid", Part.OUTLET: "holder.outlet_id", Part.STAFF: "holder.staff_id", Part.TIER: "NULL::uuid"}
_CODES = dict.fromkeys(Part, "NULL::text") | {
    Part.TIER: "(SELECT tier FROM customer_classification WHERE customer_id = holder.customer_id)"
}
_NAMES = {Part.BOOK: "NULL::text", Part.OUTLET: "(SELECT name FROM directory_outlet WHERE id = group_id)",
          Part.STAFF: "(SELECT name FROM directory_staff WHERE id = group_id)", Part.TIER: "group_code"}  # fmt: skip

# All parameters are named in every form of the statement, so that PostgreSQL knows their types.
_BOOK = """
WITH given AS (SELECT $4::text[], $5::jsonb, $6::int, $3::int), customers AS (
    SELECT {group} AS group_id, {code} AS group_code, {value} AS value
    FROM book_assignment holder LEFT JOIN daily_activity day
        ON day.customer_id = holder.customer_id AND day.currency = $1 AND day.booked_on <= $2::date AND {days}
    WHERE holder.capacity = 'primary_rm' AND holder.valid_from <= $7::timestamptz
        AND (holder.valid_to IS NULL OR $7::timestamptz < holder.valid_to) AND {visible}
    GROUP BY holder.customer_id, holder.outlet_id, holder.staff_id
)
SELECT group_id, {name} AS name, array_agg(value) AS values FROM customers GROUP BY group_id, group_code
"""


@dataclass(frozen=True, slots=True)
class PartOfBook:
    """The values of the customers of one outlet, RM or tier, in no order. `group_id` None: the whole book, customers without an RM,
    or a tier, which has a name only; None as well where the customers have no tier."""

    group_id: UUID | None
    name: str | None
    values: Ints


@dataclass(frozen=True, slots=True)
class Valued:
    """By what customers are valued, on which date, and into which parts their book is divided."""

    part: Part
    measure: Measure
    currency: str
    as_of: date
    window_days: int
    bank_bookings: Collection[str]
    rates: MarginRates


async def read_values(work: Work, asked: Valued) -> list[PartOfBook]:
    """Every customer in scope that is in the book now, with its value by `as_of` in minor units; 0 without a posting."""
    visible, arguments = visible_customers_sql(work.scope, "holder.customer_id", work.now, first_parameter=8)
    statement = _BOOK.format(
        group=_GROUPS[asked.part],
        code=_CODES[asked.part],
        name=_NAMES[asked.part],
        value=saturated_sql(f"coalesce(round({_VALUES[asked.measure]}), 0)"),
        visible=visible,
        days="false" if asked.measure is Measure.PRODUCT_MARGIN else _IN_WINDOW if asked.measure in _FLOWS else "true",
    )
    given: tuple[Any, ...] = (
        asked.currency,
        asked.as_of,
        asked.window_days,
        sorted(asked.bank_bookings),
        json.dumps(dict(asked.rates.volume_rates_bp)),
        asked.rates.balance_rate_bp,
        work.now,
    )
    rows = await work.uow.driver.fetch(statement, *given, *arguments)
    return [PartOfBook(row["group_id"], row["name"], np.array(row["values"], dtype=np.int64)) for row in rows]
