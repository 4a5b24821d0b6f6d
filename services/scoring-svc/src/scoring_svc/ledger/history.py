"""What models read of a customer's ledger: the daily aggregates as one history. Pure; money in minor units."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from guanxi_common.money import saturated

from scoring_svc.ledger.policy import OPENING, RECKONED, ActivityClasses, DailyActivity

WINDOW_DAYS = 90
BALANCE_DAYS = 365
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class DayFlow:
    """Customer-initiated flows of one business day."""

    day: date
    inflow_minor: int
    outflow_minor: int


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """One customer's days in the main currency, in date order, up to `as_of`.

    opening_minor: what was there before the first entry, as far as reported balances tell; 0 where none does. balance_changes: net
    change of each day with an entry, and corrections by later reports. flows: customer-initiated in- and outflow by day. acts:
    customer-initiated entries by day. income_days: days with salary or pension. other_currencies: left out. What is a sum saturates at
    `guanxi_common.money.SUM_LIMIT`.
    """

    as_of: date
    currency: str
    first_day: date
    balance_changes: Mapping[date, int]
    flows: Mapping[date, DayFlow]
    acts: Mapping[date, int]
    income_days: tuple[date, ...]
    inflow_minor: int
    outflow_minor: int
    other_currencies: tuple[str, ...] = ()
    opening_minor: int = 0

    def balance_on(self, day: date) -> int:
        """At the end of the day; before the first entry, what was there then."""
        return saturated(self.opening_minor + sum(change for on, change in self.balance_changes.items() if on <= day))

    def median_balance(self, day: date) -> int | None:
        """Median of the end-of-day balances of the 365 days up to and including `day`; None before the first entry."""
        return _median_balance(self, day)


@dataclass(slots=True)
class _Sums:
    changes: Counter[date] = field(default_factory=Counter)
    inflow: Counter[date] = field(default_factory=Counter)
    outflow: Counter[date] = field(default_factory=Counter)
    acts: Counter[date] = field(default_factory=Counter)
    income: set[date] = field(default_factory=set)
    recent_in: int = 0
    recent_out: int = 0
    opening: int = 0


def history_of(days: Sequence[DailyActivity], classes: ActivityClasses, as_of: date) -> CustomerHistory | None:
    """The history that the models read, or None for a customer without an entry by `as_of`."""
    days = [day for day in days if day.booked_on <= as_of]
    posted = [day for day in days if day.activity_class not in RECKONED]
    currency = main_currency(posted, as_of)
    if currency is None:
        return None
    recent = as_of - timedelta(days=WINDOW_DAYS)
    sums = _Sums()
    for day in days:
        if day.currency == currency:
            _add(sums, day, classes, recent)
    return CustomerHistory(
        as_of=as_of,
        currency=currency,
        first_day=min(day.booked_on for day in posted if day.currency == currency),
        balance_changes=dict(sorted(sums.changes.items())),
        flows={
            on: DayFlow(on, saturated(sums.inflow[on]), saturated(sums.outflow[on]))
            for on in sorted({*sums.inflow, *sums.outflow})
        },
        acts=dict(sorted(sums.acts.items())),
        income_days=tuple(sorted(sums.income)),
        inflow_minor=saturated(sums.recent_in),
        outflow_minor=saturated(sums.recent_out),
        other_currencies=tuple(sorted({day.currency for day in posted} - {currency})),
        opening_minor=saturated(sums.opening),
    )


def _add(sums: _Sums, day: DailyActivity, classes: ActivityClasses, recent: date) -> None:
    on = day.booked_on
    if day.activity_class == OPENING:
        sums.opening += day.credit_minor + day.debit_minor
        return
    sums.changes[on] += day.credit_minor + day.debit_minor
    if day.activity_class in classes.customer_initiated:
        sums.acts[on] += day.entries
        sums.inflow[on] += day.credit_minor
        sums.outflow[on] -= day.debit_minor
    if day.activity_class in classes.salary and day.credit_minor > 0:
        sums.income.add(on)
    if on > recent and day.activity_class not in classes.bank_bookings:
        sums.recent_in += day.credit_minor
        sums.recent_out -= day.debit_minor


def main_currency(days: Iterable[DailyActivity], as_of: date) -> str | None:
    """The currency of most entries in the last year, else ever; ties go to the first by name."""
    ever: Counter[str] = Counter()
    lately: Counter[str] = Counter()
    for day in days:
        ever[day.currency] += day.entries
        if day.booked_on > as_of - YEAR:
            lately[day.currency] += day.entries
    counted = lately or ever
    return min(counted, key=lambda currency: (-counted[currency], currency)) if counted else None


def _median_balance(history: CustomerHistory, day: date) -> int | None:
    start = max(history.first_day, day - timedelta(days=BALANCE_DAYS - 1))
    if day < history.first_day:
        return None
    changes, balance = history.balance_changes, history.balance_on(start - timedelta(days=1))
    levels: list[int] = []
    at = start
    for on in (on for on in changes if start <= on <= day):
        levels += [balance] * (on - at).days
        balance += changes[on]
        at = on
    levels += [balance] * ((day - at).days + 1)
    return saturated(median(sorted(levels)))


def rfm_columns(history: CustomerHistory, window_days: int) -> tuple[int, int, int]:
    """Recency in days, frequency in acts, monetary in minor units (in- and outflow), within the window."""
    since = history.as_of - timedelta(days=window_days)
    acts = {on: count for on, count in history.acts.items() if on > since}
    money = sum(flow.inflow_minor + flow.outflow_minor for on, flow in history.flows.items() if on > since)
    recency = (history.as_of - max(acts)).days if acts else 0
    return recency, sum(acts.values()), saturated(money)


def acts_of(history: CustomerHistory) -> tuple[int, int, int]:
    """Days with an act of the customer's own; from the first to the last of them; and from the first to `as_of`."""
    days = list(history.acts)
    return (len(days), (days[-1] - days[0]).days, (history.as_of - days[0]).days) if days else (0, 0, 0)


def median(ascending: Sequence[int]) -> int:
    """The median of a sorted, non-empty sequence; between two middle values, their mean rounded down."""
    middle = len(ascending) // 2
    return ascending[middle] if len(ascending) % 2 else (ascending[middle - 1] + ascending[middle]) // 2
