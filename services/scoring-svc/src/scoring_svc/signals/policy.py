"""When something in a customer's behaviour deserves somebody's attention (S7, slide 75).

Each rule compares a customer with the customer's own past: flows by median and MAD of days with such a flow, silence by the usual
gap between acts, income by its usual interval. Money is in minor units of one currency; flows are customer-initiated, positive,
and summed by business day. All rules are pure and do not depend on the order in which events arrived.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Literal
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import Text
from guanxi_common.ids import derived_id
from guanxi_common.money import Money, saturated
from pydantic import ConfigDict

from scoring_svc.ledger.history import DayFlow, median
from scoring_svc.reasons import Reason


class Kind(StrEnum):
    LARGE_OUTFLOW = "large_outflow"
    LARGE_INFLOW = "large_inflow"
    BALANCE_DROP = "balance_drop"
    DORMANT = "dormant"
    SALARY_STOPPED = "salary_stopped"
    FIRST_LARGE_DEPOSIT = "first_large_deposit"
    MATURITY_AHEAD = "maturity_ahead"
    SATISFACTION_DROP = "satisfaction_drop"


Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class FlowRule:
    """A day's flow is large if it lies above the median of the customer's days with such a flow by `mad_percent` % of their MAD,
    is at least `median_percent` % of the median, and at least the floor; `critical_percent` % of that makes it critical.

    `mad_percent` 519 is 3.5 standard deviations of a normal law (1.4826 MAD each). Fewer than `min_days` such days, or a history
    shorter than `min_span_days`, is no basis.
    """

    history_days: int
    min_days: int
    min_span_days: int
    mad_percent: int
    median_percent: int
    critical_percent: int


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """The balance lies `drop_bp` below its reference and by at least the floor; `critical_bp` makes it critical."""

    drop_bp: int
    critical_bp: int


@dataclass(frozen=True, slots=True)
class DormancyRule:
    """Silent for `min_days` and for `gap_percent` % of the median gap between days with an act, after `min_acts` such days."""

    min_days: int
    gap_percent: int
    min_acts: int


@dataclass(frozen=True, slots=True)
class IncomeRule:
    """An income is regular if its last `min_credits` credits are `min_gap_days` to `max_gap_days` apart. It is due after the
    longest of these gaps, and has stopped when more than `grace_days` have passed since."""

    min_credits: int
    min_gap_days: int
    max_gap_days: int
    grace_days: int


@dataclass(frozen=True, slots=True)
class MaturityRule:
    """A holding matures within `days_ahead` days."""

    days_ahead: int


@dataclass(frozen=True, slots=True)
class SatisfactionRule:
    """An answer lies `drop_points` below the one before and is `at_most`; `critical_at` or lower makes it critical."""

    drop_points: int
    at_most: int
    critical_at: int


@dataclass(frozen=True)
class SignalStandard:
    """Thresholds of all rules. Floors are minor units by currency; a currency without a floor has floor 1 (nothing is missed).

    A version from before a rule existed has none, and raises none of its kind.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    flow: FlowRule
    balance: BalanceRule
    dormancy: DormancyRule
    income: IncomeRule
    flow_floor_minor: Mapping[str, int]
    balance_floor_minor: Mapping[str, int]
    first_deposit_floor_minor: Mapping[str, int]
    historical_after_business_days: int
    cool_down_days: Mapping[Kind, int]
    maturity: MaturityRule | None = None
    satisfaction: SatisfactionRule | None = None

    def __post_init__(self) -> None:
        later = {Kind.MATURITY_AHEAD: self.maturity, Kind.SATISFACTION_DROP: self.satisfaction}
        if set(self.cool_down_days) != set(Kind) - {kind for kind, rule in later.items() if rule is None}:
            raise ValueError("every kind of signal has a cool-down")


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal to raise. `business_date` is the day on which the rule was first met, not the day on which somebody looked.

    `figures` are the numbers compared (minor units and days), for the event's evidence and for `explain`. `lies_ahead`: what it
    speaks of has yet to come, so that it is never historical.
    """

    kind: Kind
    severity: Severity
    business_date: date
    reason: Reason
    figures: Mapping[str, int]
    lies_ahead: bool = False


@dataclass(frozen=True, slots=True)
class Maturity:
    """What a holding's end needs: money in minor units of `currency`, 0 where no balance was reported."""

    account_id: str
    currency: str
    matures_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Income:
    """A regular income: when its next credit is due, and how many days late it is on the date asked for (0: not late)."""

    last_on: date
    due_on: date
    overdue_days: int


def large_flow(
    kind: Literal[Kind.LARGE_INFLOW, Kind.LARGE_OUTFLOW],
    today: DayFlow,
    history: Iterable[DayFlow],
    currency: str,
    standard: SignalStandard,
    entry_ids: Iterable[str] = (),
) -> Finding | None:
    """Whether a day's in- or outflow is large against the customer's own days before it.

    `history` is in any order; days not before `today` and days outside the rule's window do not count.
    """
    rule = standard.flow
    first = today.day - timedelta(days=rule.history_days)
    past = [(flow.day, _amount(kind, flow)) for flow in history if first <= flow.day < today.day]
    amounts = sorted(amount for _, amount in past if amount > 0)
    if len(amounts) < rule.min_days or (today.day - min(day for day, _ in past)).days < rule.min_span_days:
        return None
    usual = median(amounts)
    mad = median(sorted(abs(amount - usual) for amount in amounts))
    floor = standard.flow_floor_minor.get(currency, 1)
    threshold = max(usual + mad * rule.mad_percent // 100, usual * rule.median_percent // 100, floor)
    amount = _amount(kind, today)
    if amount <= 0 or amount < threshold:
        return None
    severity: Severity = "critical" if amount * 100 >= threshold * rule.critical_percent else "warning"
    if kind is Kind.LARGE_INFLOW:
        severity = "info"
    went, often = Money(amount, currency), Money(usual, currency)
    text = (
        Text(f"{went} left on {today.day}; usual on such a day is {often}.", f"{today.day}流出{went}，平时单日约{often}。")
        if kind is Kind.LARGE_OUTFLOW
        else Text(
            f"{went} came in on {today.day}; usual on such a day is {often}.", f"{today.day}流入{went}，平时单日约{often}。"
        )
    )
    figures = {
        "amount_minor": amount,
        "median_minor": usual,
        "mad_minor": mad,
        "threshold_minor": threshold,
        "days": len(amounts),
    }
    return _finding(kind, severity, today.day, text, figures, entry_ids)


def balance_drop(
    day: date, balance_minor: int, reference_minor: int, currency: str, standard: SignalStandard, entry_ids: Iterable[str] = ()
) -> Finding | None:
    """Whether the balance lies far below its reference (the customer's own 12-month median, or what the caller states)."""
    fall = reference_minor - balance_minor
    if reference_minor <= 0 or fall < standard.balance_floor_minor.get(currency, 1):
        return None
    drop_bp = fall * 10_000 // reference_minor
    if drop_bp < standard.balance.drop_bp:
        return None
    severity: Severity = "critical" if drop_bp >= standard.balance.critical_bp else "warning"
    now, usual = Money(balance_minor, currency), Money(reference_minor, currency)
    text = Text(f"The balance fell to {now}; usual is {usual}.", f"余额降至{now}，平时约{usual}。")
    figures = {"balance_minor": balance_minor, "reference_minor": reference_minor, "drop_bp": drop_bp}
    return _finding(Kind.BALANCE_DROP, severity, day, text, figures, entry_ids)


def dormancy(as_of: date, act_days: Iterable[date], standard: SignalStandard) -> Finding | None:
    """Whether the customer has fallen silent by `as_of`, against the usual gap between days with an act (in any order)."""
    rule = standard.dormancy
    days = sorted({day for day in act_days if day <= as_of})
    if len(days) < max(rule.min_acts, 2):
        return None
    gap = median(sorted(_gaps(days)))
    limit = max(rule.min_days, -(-gap * rule.gap_percent // 100))
    if (as_of - days[-1]).days < limit:
        return None
    text = Text(
        f"No act of the customer's own for {limit} days since {days[-1]}; usual is every {gap} days.",
        f"自{days[-1]}起已{limit}天没有主动交易，平时约每{gap}天一次。",
    )
    figures = {"limit_days": limit, "median_gap_days": gap, "act_days": len(days)}
    return _finding(Kind.DORMANT, "warning", days[-1] + timedelta(days=limit), text, figures)


def regular_income(as_of: date, credit_days: Iterable[date], standard: SignalStandard) -> Income | None:
    """The salary or pension whose credits fell on `credit_days` (in any order), or None if it is not regular."""
    rule = standard.income
    days = sorted({day for day in credit_days if day <= as_of})[-rule.min_credits :]
    gaps = _gaps(days)
    if len(days) < rule.min_credits or not all(rule.min_gap_days <= gap <= rule.max_gap_days for gap in gaps):
        return None
    due = days[-1] + timedelta(days=max(gaps))
    return Income(days[-1], due, max((as_of - due).days, 0))


def salary_stopped(as_of: date, credit_days: Iterable[date], standard: SignalStandard) -> Finding | None:
    """Whether a regular income has stayed away beyond its days of grace."""
    income = regular_income(as_of, credit_days, standard)
    if income is None or income.overdue_days <= standard.income.grace_days:
        return None
    text = Text(
        f"Salary or pension was due on {income.due_on} and has not come; the last came on {income.last_on}.",
        f"工资或养老金应于{income.due_on}到账而未到账，上次到账为{income.last_on}。",
    )
    crossed = income.due_on + timedelta(days=standard.income.grace_days + 1)
    return _finding(Kind.SALARY_STOPPED, "warning", crossed, text, {"grace_days": standard.income.grace_days})


def first_large_deposit(
    today: DayFlow, largest_before_minor: int, currency: str, standard: SignalStandard, entry_ids: Iterable[str] = ()
) -> Finding | None:
    """Whether the day's inflow is the first over the floor; `largest_before_minor` is the largest day before it, 0 for none.

    A currency without a floor raises nothing: every first deposit would be "large".
    """
    floor = standard.first_deposit_floor_minor.get(currency)
    if floor is None or today.inflow_minor < floor or largest_before_minor >= floor:
        return None
    came = Money(today.inflow_minor, currency)
    text = Text(f"First large deposit: {came} on {today.day}.", f"首笔大额存入：{today.day}存入{came}。")
    figures = {"amount_minor": today.inflow_minor, "largest_before_minor": largest_before_minor, "threshold_minor": floor}
    return _finding(Kind.FIRST_LARGE_DEPOSIT, "info", today.day, text, figures, entry_ids)


def maturities_ahead(today: date, maturities: Iterable[Maturity], standard: SignalStandard) -> list[tuple[str, Finding]]:
    """What matures within the rule's days, with its currency: one finding for all that ends on one day in one currency.

    The business date is the first day within the rule's days, whenever the account became known.
    """
    rule = standard.maturity
    if rule is None:
        return []
    ends: dict[tuple[date, str], list[Maturity]] = {}
    for one in maturities:
        if timedelta() <= one.matures_on - today <= timedelta(days=rule.days_ahead):
            ends.setdefault((one.matures_on, one.currency), []).append(one)
    found = []
    for (on, currency), ending in sorted(ends.items()):
        amount = saturated(sum(one.amount_minor for one in ending))
        money = Money(amount, currency)
        text = (
            Text(f"{money} mature on {on}.", f"{money}将于{on}到期。")
            if amount
            else Text(f"A holding matures on {on}.", f"持有产品将于{on}到期。")
        )
        figures = {"amount_minor": amount, "days_ahead": rule.days_ahead, "holdings": len(ending)}
        ids = [one.account_id for one in ending]
        finding = _finding(Kind.MATURITY_AHEAD, "info", on - timedelta(days=rule.days_ahead), text, figures, ids)
        found.append((currency, replace(finding, lies_ahead=True)))
    return found


def satisfaction_drops(answers: Iterable[tuple[date, str, int]], standard: SignalStandard) -> list[Finding]:
    """Each answer (day, id, 1 to 5) that lies far below the one before it; in any order."""
    rule = standard.satisfaction
    if rule is None:
        return []
    found = []
    for (_, _, before), (day, answer_id, now) in pairwise(sorted(answers)):
        if before - now < rule.drop_points or now > rule.at_most:
            continue
        text = Text(
            f"Satisfaction fell from {before} to {now} of 5 on {day}.", f"{day}满意度由{before}分降至{now}分（满分5分）。"
        )
        severity: Severity = "critical" if now <= rule.critical_at else "warning"
        figures = {"satisfaction": now, "satisfaction_before": before}
        found.append(_finding(Kind.SATISFACTION_DROP, severity, day, text, figures, [answer_id]))
    return found


def is_historical(booked_on: date, today: date, calendar: BusinessCalendar, standard: SignalStandard) -> bool:
    """Whether a posting is so old that its signal is kept for the record and opens no task."""
    return calendar.business_days_between(booked_on, today) > standard.historical_after_business_days


def signal_id(customer_id: UUID, kind: Kind, currency: str, business_date: date) -> UUID:
    """The dedupe key of a signal, and its id: one finding gets one id, however often and in whatever order it is made."""
    return derived_id("signal", str(customer_id), kind, currency, business_date.isoformat())


def is_cooling(kind: Kind, business_date: date, raised_on: Sequence[date], standard: SignalStandard) -> bool:
    """Whether a signal of this kind was raised so near that another would only repeat it.

    `raised_on` are the business dates of the customer's earlier signals of this kind and currency. Nearness counts in both
    directions, because a late posting may be found after its successor was raised.
    """
    days = standard.cool_down_days[kind]
    return any(abs((business_date - other).days) < days for other in raised_on)


def _amount(kind: Kind, flow: DayFlow) -> int:
    return flow.outflow_minor if kind is Kind.LARGE_OUTFLOW else flow.inflow_minor


def _gaps(days: Sequence[date]) -> list[int]:
    return [(later - earlier).days for earlier, later in pairwise(days)]


def _finding(
    kind: Kind, severity: Severity, day: date, text: Text, figures: Mapping[str, int], entry_ids: Iterable[str] = ()
) -> Finding:
    shown = {name: saturated(figure) for name, figure in figures.items()}
    return Finding(kind, severity, day, Reason(kind, 0, text, tuple(sorted(entry_ids))), shown)
