"""S7: the judgement of signals on a known book: raised once, judged by what followed, and blind to what came later."""

from datetime import date, timedelta
from uuid import UUID

from scoring_svc.ledger.policy import DailyActivity, load_activity_classes
from scoring_svc.signals.policy import Kind, SignalStandard
from scoring_svc.signals.replay import raised, replay
from scoring_svc.standards import load_standards

FIRST = date(2025, 1, 1)
LAST = date(2025, 12, 31)
CLASSES = load_activity_classes()
STANDARD = load_standards(SignalStandard, "signals")[-1]
SOMEONE = UUID(int=1)


def day(after: int, amount: int, activity_class: str = "transfer") -> DailyActivity:
    credit, debit = max(amount, 0), min(amount, 0)
    return DailyActivity(SOMEONE, FIRST + timedelta(days=after), "CNY", activity_class, 1, credit, debit)


def book(*, leaves: bool) -> list[DailyActivity]:
    """Small payments every five days for half a year, then most of the money goes; then nothing, or payments as before."""
    days = [day(0, 100_000_000, "cash_deposit"), *(day(5 * n, -100_000 - n) for n in range(1, 36)), day(180, -90_000_000)]
    after = [] if leaves else [day(181, 90_000_000, "cash_deposit"), *(day(180 + 5 * n, -100_000) for n in range(1, 36))]
    return days + after


def test_s7_a_signal_is_right_where_the_customer_left_and_wrong_where_the_money_came_back() -> None:
    left = replay([book(leaves=True)], CLASSES, STANDARD, LAST).kinds[Kind.LARGE_OUTFLOW]
    stayed = replay([book(leaves=False)], CLASSES, STANDARD, LAST).kinds[Kind.LARGE_OUTFLOW]
    assert (left.raised, left.judged, left.balance, left.acts, left.either) == (1, 1, 1, 1, 1)
    assert (stayed.raised, stayed.judged, stayed.balance, stayed.acts, stayed.either) == (1, 1, 0, 0, 0)


def test_s7_what_is_raised_by_a_day_does_not_depend_on_the_days_after_it() -> None:
    days = book(leaves=False)
    for cut in (100, 179, 180, 200):
        until = FIRST + timedelta(days=cut)
        known = [one for one in days if one.booked_on <= until]
        early = [(one.kind, one.business_date) for one in raised(known, CLASSES, STANDARD, until)]
        late = [(one.kind, one.business_date) for one in raised(days, CLASSES, STANDARD, LAST)]
        assert early == late[: len(early)]


def test_s7_silence_is_dated_by_its_rule_and_not_judged_before_90_days_are_known() -> None:
    found = {one.kind: one.business_date for one in raised(book(leaves=True), CLASSES, STANDARD, LAST)}
    assert found[Kind.DORMANT] == FIRST + timedelta(days=180 + STANDARD.dormancy.min_days)
    early = found[Kind.DORMANT] + timedelta(days=89)
    assert replay([book(leaves=True)], CLASSES, STANDARD, early).kinds[Kind.DORMANT].judged == 0
    assert replay([book(leaves=True)], CLASSES, STANDARD, early + timedelta(days=1)).kinds[Kind.DORMANT].judged == 1
