"""Features of a customer at a cut and labels of what followed (S3). Pure; money in minor units of the customer's main currency.

A feature is a number, or None where it says nothing (a change without a before, a balance before the first posting). A label is True,
False, or None where the customer could not have shown it (no salary, nothing to decline from). Every sum is of whole numbers, so equal
days give equal features to the bit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from guanxi_common.errors import Text
from guanxi_common.money import Money
from pydantic import ConfigDict

from scoring_svc.ledger.history import CustomerHistory, history_of, median
from scoring_svc.ledger.policy import WINDOWS, ActivityClasses, DailyActivity
from scoring_svc.signals.policy import SignalStandard, regular_income

SHARE: Final = 10_000
MAX_RATIO_BP: Final = 100_000
"""Ten times as much as before is enough: beyond it a ratio only says that there was next to nothing before."""

Features = Mapping[str, float | None]


class Label(StrEnum):
    """What leaving looks like in a bank. `leaves` is any of the others."""

    LEAVES = "leaves"
    BALANCE_DECLINE = "balance_decline"
    ACTIVITY_DECLINE = "activity_decline"
    SALARY_GONE = "salary_gone"
    PRODUCT_CLOSURE = "product_closure"
    FULL_ATTRITION = "full_attrition"


class FactKind(StrEnum):
    """What engagement tells of a customer beside contacts."""

    COMPLAINT_OPENED = "complaint_opened"
    COMPLAINT_RESOLVED = "complaint_resolved"
    SURVEY_ANSWERED = "survey_answered"


@dataclass(frozen=True, slots=True)
class ContactFact:
    """A contact (`interaction`) or review (`plan_review`) with its stated contribution; 0: it reached nobody, or changed nothing."""

    occurred_on: date
    kind: str
    contribution_bp: int


@dataclass(frozen=True, slots=True)
class EngagementFact:
    """`subject_id` ties a complaint's opening to its end; `value` is the satisfaction, 1 to 5."""

    occurred_on: date
    kind: FactKind
    subject_id: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Engagement:
    """What is known of the relationship beside the postings, in any order."""

    contacts: Sequence[ContactFact] = ()
    facts: Sequence[EngagementFact] = ()


NO_ENGAGEMENT: Final = Engagement()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """P(alive) and expected acts by BG/NBD at the cut; None without a model or a repeat purchase."""

    p_alive_bp: int | None = None
    expected_acts: float | None = None


NO_RHYTHM: Final = Rhythm()


@dataclass(frozen=True, slots=True)
class Example:
    """A customer at a cut, and what came of it."""

    cut: date
    currency: str
    features: Features
    outcome: bool


@dataclass(frozen=True, slots=True)
class LabelRules:
    """See `standards.yaml`. The horizon begins on the day after the cut."""

    horizon_days: int
    balance_decline_bp: int
    balance_window_days: int
    min_balance_minor: Mapping[str, int]
    activity_decline_bp: int
    min_acts_before: int
    income_window_days: int

    def __post_init__(self) -> None:
        if not 1 <= max(self.balance_window_days, self.income_window_days) <= self.horizon_days:
            raise ValueError("the windows lie within the horizon")


@dataclass(frozen=True)
class FeatureStandard:
    """Labels, the shortest history that can be compared, the features that no retention model sees, and the words of all."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    labels: LabelRules
    min_history_days: int
    reasons_shown: int
    left_out: tuple[str, ...]
    words: Mapping[str, Text]
    class_words: Mapping[str, Text]
    _word_cache: dict[str, Text] = field(default_factory=dict, init=False, repr=False, compare=False)

    def word(self, feature: str) -> Text:
        """The name of a feature in words; a class that nobody has named is called by its code."""
        if feature not in self._word_cache:
            self._word_cache[feature] = self._make_word(feature)
        return self._word_cache[feature]

    def _make_word(self, feature: str) -> Text:
        if feature in self.words:
            return self.words[feature]
        name, days = feature.removeprefix("entries_").rsplit("_", 1)
        named, pattern = self.class_words.get(name, Text(name, name)), self.words["entries"]
        return Text(
            pattern.en.replace("{class}", named.en).replace("{days}", days),
            pattern.zh.replace("{class}", named.zh).replace("{days}", days),
        )


def say(feature: str, value: float | None, currency: str) -> Text:
    """A feature's value in words, by the unit that its name ends with."""
    if value is None:
        return Text("unknown", "未知")
    if feature.endswith("_minor"):
        money = str(Money(round(value), currency))
        return Text(money, money)
    if feature.endswith("_bp"):
        percent = f"{value / 100:.0f} %"
        return Text(percent, percent.replace(" ", ""))
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return Text(number, number)


def features_of(
    days: Sequence[DailyActivity],
    classes: ActivityClasses,
    as_of: date,
    signals: SignalStandard,
    *,
    history: CustomerHistory | None = None,
    rhythm: Rhythm = NO_RHYTHM,
    engagement: Engagement = NO_ENGAGEMENT,
) -> Features | None:
    """Every feature by name, in a fixed order; None for a customer without an entry by `as_of`.

    `days` may reach beyond `as_of`: nothing after it is looked at. `history` saves making it again where the caller has it.
    """
    history = history or history_of(days, classes, as_of)
    if history is None:
        return None
    return {
        **_activity(history),
        **_balances(history),
        **_flows(days, classes, history),
        **_income(history, signals),
        "p_alive_bp": rhythm.p_alive_bp,
        "expected_acts": rhythm.expected_acts,
        **_engagement(engagement, as_of),
        **_by_class(days, classes, history),
    }


def _activity(history: CustomerHistory) -> dict[str, float | None]:
    as_of, acts = history.as_of, history.acts
    counts = {days: _total(acts, as_of - timedelta(days=days), as_of) for days in WINDOWS}
    before = _total(acts, as_of - timedelta(days=180), as_of - timedelta(days=90))
    lately = [on for on in acts if on > as_of - timedelta(days=365)]
    gaps = sorted((later - earlier).days for earlier, later in pairwise(lately))
    return {
        "tenure_days": (as_of - history.first_day).days,
        "silent_days": (as_of - max(acts)).days if acts else None,
        "usual_gap_days": median(gaps) if gaps else None,
        **{f"acts_{days}": count for days, count in counts.items()},
        "acts_change_bp": _ratio_bp(counts[90], before),
        "act_days_90": sum(1 for on in lately if on > as_of - timedelta(days=90)),
    }


def _balances(history: CustomerHistory) -> dict[str, float | None]:
    as_of = history.as_of
    means = {days: balance_mean(history, as_of - timedelta(days=days), as_of) for days in WINDOWS}
    before = balance_mean(history, as_of - timedelta(days=120), as_of - timedelta(days=30))
    now = history.balance_on(as_of)
    return {
        "balance_minor": now,
        **{f"balance_mean_{days}_minor": mean for days, mean in means.items()},
        "balance_min_90_minor": min((level for level, _ in _levels(history, as_of - timedelta(days=90), as_of)), default=None),
        "balance_trend_bp": _ratio_bp(means[30], before),
        "balance_level_bp": _ratio_bp(now, means[365]),
    }


def _flows(days: Sequence[DailyActivity], classes: ActivityClasses, history: CustomerHistory) -> dict[str, float | None]:
    """All but the bank's own bookings, as the rules count them."""
    inflow, outflow = Counter[int](), Counter[int]()
    for day in _own(days, history):
        if day.activity_class in classes.bank_bookings:
            continue
        age = (history.as_of - day.booked_on).days
        for window in WINDOWS:
            if age < window:
                inflow[window] += day.credit_minor
                outflow[window] -= day.debit_minor
    moved = inflow[90] + outflow[90]
    return {
        **{f"inflow_{window}_minor": inflow[window] for window in WINDOWS},
        **{f"outflow_{window}_minor": outflow[window] for window in WINDOWS},
        "net_flow_90_bp": (inflow[90] - outflow[90]) * SHARE // moved if moved else None,
    }


def _income(history: CustomerHistory, signals: SignalStandard) -> dict[str, float | None]:
    income = regular_income(history.as_of, history.income_days, signals)
    return {
        "income_credits_365": sum(1 for on in history.income_days if on > history.as_of - timedelta(days=365)),
        "income_regular": 1 if income else 0,
        "income_overdue_days": income.overdue_days if income else None,
    }


def _engagement(engagement: Engagement, as_of: date) -> dict[str, float | None]:
    def within(days: int, on: date) -> bool:
        return 0 <= (as_of - on).days < days

    met = [contact for contact in engagement.contacts if contact.kind == "interaction"]
    known = [fact for fact in engagement.facts if fact.occurred_on <= as_of]
    opened = {fact.subject_id: fact.occurred_on for fact in known if fact.kind is FactKind.COMPLAINT_OPENED}
    resolved = {fact.subject_id for fact in known if fact.kind is FactKind.COMPLAINT_RESOLVED}
    answers = sorted(
        (fact.occurred_on, fact.subject_id, fact.value) for fact in known if fact.kind is FactKind.SURVEY_ANSWERED and fact.value
    )
    effects = [contact.contribution_bp for contact in engagement.contacts if within(90, contact.occurred_on)]
    return {
        **{f"missed_contacts_{d}": sum(1 for c in met if not c.contribution_bp and within(d, c.occurred_on)) for d in (90, 365)},
        **{f"complaints_{d}": sum(1 for on in opened.values() if within(d, on)) for d in (90, 365)},
        "complaints_open": len(opened.keys() - resolved),
        "satisfaction": answers[-1][2] if answers else None,
        **{f"contacts_{d}": sum(1 for c in met if c.contribution_bp and within(d, c.occurred_on)) for d in (90, 365)},
        "contact_effect_90_bp": sum(effects),
        "reviews_365": sum(1 for c in engagement.contacts if c.kind == "plan_review" and within(365, c.occurred_on)),
    }


def _by_class(days: Sequence[DailyActivity], classes: ActivityClasses, history: CustomerHistory) -> dict[str, float | None]:
    counts = Counter[tuple[str, int]]()
    for day in _own(days, history):
        age = (history.as_of - day.booked_on).days
        for window in WINDOWS:
            if age < window:
                counts[day.activity_class, window] += day.entries
    names = sorted({*classes.by_code.values(), classes.default})
    return {f"entries_{name}_{window}": counts[name, window] for name in names for window in WINDOWS}


def labels_of(
    days: Sequence[DailyActivity],
    classes: ActivityClasses,
    cut: date,
    rules: LabelRules,
    signals: SignalStandard,
    *,
    closed_on: Sequence[date] | None = None,
) -> dict[Label, bool | None] | None:
    """What became of the customer in the horizon after the cut; None without an entry by the cut.

    What the customer did before the cut is only what the horizon is compared with. `closed_on`: when accounts open at the cut were
    closed, None where no account is known. To keep an account says little: by itself it makes nobody one who stays. `days` must reach to
    the end of the horizon; later ones do not count.
    """
    before = history_of(days, classes, cut)
    if before is None:
        return None
    end = cut + timedelta(days=rules.horizon_days)
    own = [day for day in days if day.currency == before.currency]
    after = history_of(own, classes, end) or before
    found: dict[Label, bool | None] = {
        Label.BALANCE_DECLINE: _balance_declines(after, cut, end, rules),
        Label.ACTIVITY_DECLINE: None,
        Label.SALARY_GONE: None,
        Label.PRODUCT_CLOSURE: None if closed_on is None else any(cut < on <= end for on in closed_on),
        Label.FULL_ATTRITION: None,
    }
    acts_before, acts_after = _total(before.acts, cut - (end - cut), cut), _total(after.acts, cut, end)
    if acts_before >= rules.min_acts_before:
        kept = acts_before * (SHARE - rules.activity_decline_bp)
        found[Label.ACTIVITY_DECLINE] = acts_after * SHARE < kept
        found[Label.FULL_ATTRITION] = acts_after == 0
    income = regular_income(cut, before.income_days, signals)
    if income is not None and income.overdue_days <= signals.income.grace_days:
        found[Label.SALARY_GONE] = not any(end - timedelta(days=rules.income_window_days) < on <= end for on in after.income_days)
    known = [value for label, value in found.items() if value is not None and (value or label is not Label.PRODUCT_CLOSURE)]
    return {Label.LEAVES: any(known) if known else None, **found}


def _balance_declines(after: CustomerHistory, cut: date, end: date, rules: LabelRules) -> bool | None:
    """Both means from the history at the end: a balance first reported within the horizon would else count on one side only."""
    usual = balance_mean(after, cut - timedelta(days=rules.horizon_days), cut)
    left = balance_mean(after, end - timedelta(days=rules.balance_window_days), end)
    if usual is None or left is None or usual < rules.min_balance_minor.get(after.currency, 1):
        return None
    return left * SHARE < usual * (SHARE - rules.balance_decline_bp)


def balance_mean(history: CustomerHistory, after: date, until: date) -> float | None:
    """Mean of the end-of-day balances of the days in (after, until] on which the customer was known; None if there are none."""
    levels = _levels(history, after, until)
    total = sum(days for _, days in levels)
    return sum(level * days for level, days in levels) / total if total else None


def _levels(history: CustomerHistory, after: date, until: date) -> list[tuple[int, int]]:
    """(end-of-day balance, for how many days) within (after, until]."""
    start = max(after + timedelta(days=1), history.first_day)
    if start > until:
        return []
    balance = history.balance_on(start - timedelta(days=1))
    levels, at = [], start
    for on, change in history.balance_changes.items():
        if start <= on <= until:
            if on > at:
                levels.append((balance, (on - at).days))
            balance += change
            at = on
    levels.append((balance, (until - at).days + 1))
    return levels


def _own(days: Sequence[DailyActivity], history: CustomerHistory) -> list[DailyActivity]:
    return [day for day in days if day.booked_on <= history.as_of and day.currency == history.currency]


def _total(acts: Mapping[date, int], after: date, until: date) -> int:
    return sum(count for on, count in acts.items() if after < on <= until)


def _ratio_bp(now: float | None, before: float | None) -> float | None:
    if now is None or before is None or before <= 0:
        return None
    return max(min(now * SHARE / before, MAX_RATIO_BP), -MAX_RATIO_BP)
