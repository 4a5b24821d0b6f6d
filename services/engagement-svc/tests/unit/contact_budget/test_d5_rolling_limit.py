"""D5: at most n contacts in any d days. Right values counted on a calendar; the rule against one that looks at every window."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from engagement_svc.contact_budget.policy import (
    ContactLimit,
    Held,
    Ledger,
    counted_as,
    first_fit,
    giving_way,
    is_plausible,
    may_be_confirmed,
    room,
    was_without_consent,
    when_it_counts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)
ONE_IN_30, ONE_IN_31, TWO_IN_7 = ContactLimit(1, 30), ContactLimit(1, 31), ContactLimit(2, 7)


def on(*days: str) -> list[date]:
    return [date.fromisoformat(f"2026-{day}") for day in days]


@pytest.mark.parametrize(
    ("taken", "since", "limit", "free"),
    [
        (on("11-28"), "2026-11-28", ONE_IN_30, "2026-12-28"),
        (on("11-28"), "2026-11-28", ONE_IN_31, "2026-12-29"),
        (on("11-28"), "2026-12-01", ONE_IN_30, "2026-12-28"),
        (on("11-28"), "2026-12-28", ONE_IN_30, "2026-12-28"),
        (on("11-28", "12-28"), "2026-11-29", ONE_IN_30, "2027-01-27"),
        (on("12-28"), "2026-11-28", ONE_IN_30, "2026-11-28"),
        (on("12-27"), "2026-11-28", ONE_IN_30, "2027-01-26"),
        ([], "2026-02-28", ONE_IN_30, "2026-02-28"),
        (on("11-02", "11-05"), "2026-11-06", TWO_IN_7, "2026-11-09"),
        (on("11-02", "11-02"), "2026-11-03", TWO_IN_7, "2026-11-09"),
        (on("11-05", "11-08"), "2026-11-04", TWO_IN_7, "2026-11-12"),
        (on("11-02", "11-10"), "2026-11-05", TWO_IN_7, "2026-11-05"),
        (on("11-28"), "2026-11-28", ContactLimit(1, 1), "2026-11-29"),
        (on("11-28"), "2026-11-28", ContactLimit(0, 30), None),
        ([], "2026-11-28", ContactLimit(0, 1), None),
    ],
)
def test_d5_the_first_free_day(taken: list[date], since: str, limit: ContactLimit, free: str | None) -> None:
    found = first_fit(taken, date.fromisoformat(since), None, limit)
    assert found == (date.fromisoformat(free) if free else None)


def test_d5_no_day_through_the_last_one_that_would_do() -> None:
    assert first_fit(on("11-28"), DAY, date(2026, 12, 27), ONE_IN_30) is None
    assert first_fit(on("11-28"), DAY, date(2026, 12, 28), ONE_IN_30) == date(2026, 12, 28)


limits = st.builds(ContactLimit, st.integers(0, 3), st.integers(1, 9))
days = st.integers(0, 24).map(lambda number: DAY + timedelta(days=number))


def every_window_holds_fewer(taken: list[date], day: date, limit: ContactLimit) -> bool:
    starts = [day - timedelta(days=back) for back in range(limit.per_days)]
    ends = [(start, start + timedelta(days=limit.per_days)) for start in starts]
    return all(sum(start <= one < end for one in taken) < limit.max_contacts for start, end in ends)


@settings(max_examples=150, deadline=None)
@given(taken=st.lists(days, max_size=8), day=days, until=days, limit=limits)
def test_d5_the_rule_agrees_with_every_window(taken: list[date], day: date, until: date, limit: ContactLimit) -> None:
    assert (room(taken, day, limit) > 0) == every_window_holds_fewer(taken, day, limit)
    span = [day + timedelta(days=number) for number in range((until - day).days + 1)]
    first = next((one for one in span if every_window_holds_fewer(taken, one, limit)), None)
    assert first_fit(taken, day, until, limit) == first
    number = room(taken, day, limit)
    assert number == 0 or every_window_holds_fewer([*taken, *[day] * (number - 1)], day, limit)
    assert not every_window_holds_fewer([*taken, *[day] * number], day, limit)


def held(day: date, minutes: int = 0) -> Held:
    return Held(UUID(int=minutes + day.toordinal()), day, NOON + timedelta(minutes=minutes))


def test_d5_the_latest_give_way_and_no_more_than_needed() -> None:
    near, far, outside = held(DAY + timedelta(days=2)), held(DAY + timedelta(days=5)), held(DAY + timedelta(days=7))
    ledger = Ledger((DAY,), (near, far, outside))
    assert giving_way(ledger, DAY, TWO_IN_7) == [far]
    assert giving_way(ledger, DAY, ContactLimit(3, 7)) == []
    assert giving_way(ledger, DAY, ContactLimit(1, 7)) == [far, near]
    assert giving_way(Ledger((DAY, DAY, DAY), (outside,)), DAY, TWO_IN_7) == []
    early, late = held(DAY, 1), held(DAY, 2)
    assert giving_way(Ledger((DAY,), (late, early)), DAY, TWO_IN_7) == [late]


@settings(max_examples=100, deadline=None)
@given(used=st.lists(days, max_size=4), planned=st.lists(days, max_size=5), day=days, limit=limits)
def test_d5_after_giving_way_no_window_around_the_contact_holds_too_many(
    used: list[date], planned: list[date], day: date, limit: ContactLimit
) -> None:
    reserved = [Held(uuid4(), one, NOON) for one in planned]
    ledger = Ledger((*used, day), tuple(reserved))
    gone = giving_way(ledger, day, limit)
    left = [one for one in reserved if one not in gone]
    for start in (day - timedelta(days=back) for back in range(limit.per_days)):
        window = [start + timedelta(days=number) for number in range(limit.per_days)]
        still = sum(one.day in window for one in left)
        assert not still or sum(one in window for one in ledger.used) + still <= limit.max_contacts


@pytest.mark.parametrize(
    ("purpose", "counts"), [("related_sales", "marketing"), ("care", "care"), ("plan_follow_up", "care"), ("service", None)]
)
def test_d5_what_a_contact_counts_as(purpose: str, counts: str | None) -> None:
    assert counted_as(purpose) == counts


def test_d5_a_day_that_has_passed_unused_counts_today() -> None:
    assert when_it_counts(DAY - timedelta(days=1), DAY) == DAY
    assert when_it_counts(DAY + timedelta(days=1), DAY) == DAY + timedelta(days=1)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("arrived", "said", "made", "confirmed", "flagged"),
    [
        (None, None, NOON, True, False),
        (NOON, NOON - HOUR, NOON - 2 * HOUR, True, False),  # made before the customer said it
        (NOON, NOON - HOUR, NOON - HOUR / 2, True, True),  # made after, but before the bank knew
        (NOON, NOON - HOUR, NOON, False, True),
        (NOON, NOON - HOUR, NOON + HOUR, False, True),
        (NOON, None, NOON - HOUR, True, False),
    ],
)
def test_d5_a_contact_is_confirmed_if_it_was_made_before_the_withdrawal_arrived(
    arrived: datetime | None, said: datetime | None, made: datetime, confirmed: bool, flagged: bool
) -> None:
    assert may_be_confirmed(arrived, made) == confirmed
    assert was_without_consent(said, made) == flagged


@pytest.mark.parametrize(
    ("made", "plausible"),
    [(NOON, True), (NOON - HOUR, False), (NOON + HOUR, True), (NOON + HOUR + timedelta(minutes=6), False)],
)
def test_d5_a_contact_is_made_between_its_reservation_and_now(made: datetime, plausible: bool) -> None:
    assert is_plausible(made, NOON, NOON + HOUR) == plausible
