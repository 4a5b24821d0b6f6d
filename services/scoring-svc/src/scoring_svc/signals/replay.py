"""How good the signals are on a book whose later days are known: raised day by day as the scorer does, then judged by what followed.

A signal is right if the customer declined in the 90 days after it: the mean end-of-day balance or the number of the customer's own
acts fell by the stated share against the 90 days up to it. Pure; only days up to a signal's own are looked at when it is raised.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from scoring_svc.ledger.history import CustomerHistory, history_of
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.signals import policy
from scoring_svc.signals.policy import Finding, Kind, SignalStandard
from scoring_svc.signals.service import find

AFTER = timedelta(days=90)
DECLINE_PERCENT = 30
ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Judged:
    """Signals of one kind: raised, with 90 known days after them, and of these followed by a decline of balance, acts, or either."""

    raised: int = 0
    judged: int = 0
    balance: int = 0
    acts: int = 0
    either: int = 0


@dataclass(slots=True)
class Verdict:
    """By kind, and for the days on which the same accounts were looked at without regard to signals (the base rate)."""

    kinds: dict[Kind, Judged] = field(default_factory=lambda: defaultdict(Judged))
    base: Judged = field(default_factory=Judged)


def replay(
    books: Iterable[Sequence[DailyActivity]], classes: ActivityClasses, standard: SignalStandard, last_day: date
) -> Verdict:
    """Replay each customer's days (in date order) and judge. The base rate takes every 30th day from the 90th of the history on."""
    verdict = Verdict()
    for days in books:
        whole = history_of(days, classes, last_day)
        if whole is None:
            continue
        for finding in raised(days, classes, standard, last_day):
            _judge(verdict.kinds[finding.kind], whole, finding.business_date, last_day)
        on = whole.first_day + AFTER
        while on + AFTER <= last_day:
            _judge(verdict.base, whole, on, last_day)
            on += timedelta(days=30)
    return verdict


def raised(days: Sequence[DailyActivity], classes: ActivityClasses, standard: SignalStandard, last_day: date) -> list[Finding]:
    """The signals of one customer in the order in which they were raised, cool-down included.

    Silence is asked for on the eve of each day with an entry and on the last day: what it finds is dated by the rule, not by the look.
    """
    found: list[Finding] = []
    dates: dict[Kind, list[date]] = {kind: [] for kind in Kind}

    def take(findings: Iterable[Finding]) -> None:
        for finding in findings:
            if not policy.is_cooling(finding.kind, finding.business_date, dates[finding.kind], standard):
                dates[finding.kind].append(finding.business_date)
                found.append(finding)

    for on in [*sorted({day.booked_on for day in days}), last_day + ONE_DAY]:
        eve = history_of(days, classes, on - ONE_DAY)
        if eve is not None:
            take(_silences(eve, standard))
        if on <= last_day and (history := history_of(days, classes, on)) is not None:
            take(find(history, on, standard, silent_until=None))
    return found


def _silences(history: CustomerHistory, standard: SignalStandard) -> list[Finding]:
    found = (
        policy.dormancy(history.as_of, history.acts, standard),
        policy.salary_stopped(history.as_of, history.income_days, standard),
    )
    return [finding for finding in found if finding is not None]


def _judge(counts: Judged, history: CustomerHistory, on: date, last_day: date) -> None:
    counts.raised += 1
    if on + AFTER > last_day:
        return
    counts.judged += 1
    balance = _fell(_mean_balance(history, on - AFTER, on), _mean_balance(history, on, on + AFTER))
    acts = _fell(_acts(history.acts, on - AFTER, on), _acts(history.acts, on, on + AFTER))
    counts.balance += balance
    counts.acts += acts
    counts.either += balance or acts


def _fell(before: int, after: int) -> bool:
    return before > 0 and after * 100 <= before * (100 - DECLINE_PERCENT)


def _acts(acts: Mapping[date, int], after: date, until: date) -> int:
    return sum(count for day, count in acts.items() if after < day <= until)


def _mean_balance(history: CustomerHistory, after: date, until: date) -> int:
    """Mean of the end-of-day balances of the days after one date up to another, from the first day of the history on."""
    start = max(after, history.first_day - ONE_DAY)
    balance, total, at = history.balance_on(start), 0, start
    for day, change in history.balance_changes.items():
        if start < day <= until:
            total += balance * ((day - at).days - 1)
            balance += change
            total += balance
            at = day
    total += balance * (until - at).days
    return total // max((until - start).days, 1)
