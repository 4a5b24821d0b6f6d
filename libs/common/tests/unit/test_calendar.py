"""The business calendar: golden dates from the State Council's notices, and the arithmetic of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from guanxi_common.calendar import BusinessCalendar, CalendarOverrides
from hypothesis import given
from hypothesis import strategies as st

CHINA = BusinessCalendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS_48 = timedelta(hours=48)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


# Notices of the General Office of the State Council: 国办发明电〔2023〕7号, 〔2024〕12号, 〔2025〕7号.
MAKE_UP_WORKDAYS = {
    2024: ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"],
    2025: ["01-26", "02-08", "04-27", "09-28", "10-11"],
    2026: ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}
DAYS_OFF = {
    2024: [("02-10", "02-17"), ("04-04", "04-06"), ("05-01", "05-05"), ("09-15", "09-17"), ("10-01", "10-07")],
    2025: [("01-28", "02-04"), ("04-04", "04-06"), ("05-01", "05-05"), ("05-31", "06-02"), ("10-01", "10-08")],
    2026: [
        ("01-01", "01-03"),
        ("02-15", "02-23"),
        ("04-04", "04-06"),
        ("05-01", "05-05"),
        ("09-25", "09-27"),
        ("10-01", "10-07"),
    ],
}


@pytest.mark.parametrize("year", sorted(MAKE_UP_WORKDAYS))
def test_make_up_workdays_are_exactly_the_published_ones(year: int) -> None:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    worked_weekends = [d for d in days if d.year == year and d.weekday() >= 5 and CHINA.is_business_day(d)]
    assert [d.strftime("%m-%d") for d in worked_weekends] == MAKE_UP_WORKDAYS[year]


@pytest.mark.parametrize("year", sorted(DAYS_OFF))
def test_published_holidays_are_days_off(year: int) -> None:
    for first, last in DAYS_OFF[year]:
        day, end = date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last}")
        while day <= end:
            assert not CHINA.is_business_day(day), day
            day += timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-06T15:00", "2026-03-10T15:00"),  # Friday to Tuesday
        ("2026-03-04T09:30", "2026-03-06T09:30"),  # inside a week
        ("2026-03-07T10:00", "2026-03-11T00:00"),  # from a Saturday: as if Monday 00:00
        ("2024-02-08T15:00", "2024-02-18T15:00"),  # Thursday, then the 9th; the holiday; Sunday the 18th is worked
        ("2024-02-09T15:00", "2024-02-19T15:00"),
        ("2024-02-03T10:00", "2024-02-06T00:00"),  # Saturday rolls to Sunday the 4th, a make-up workday
        ("2025-09-30T15:00", "2025-10-10T15:00"),  # National Day and Mid-Autumn: 8 days; Saturday the 11th is worked
        ("2025-10-10T15:00", "2025-10-13T15:00"),
        ("2026-02-13T15:00", "2026-02-24T15:00"),  # Friday; Saturday the 14th is worked; nine days off
        ("2025-12-31T15:00", "2026-01-05T15:00"),  # Sunday 2026-01-04 is worked
    ],
)
def test_48_hours_are_two_business_days(start: str, due: str) -> None:
    deadline = CHINA.deadline(at(start), HOURS_48)
    assert deadline.due_at == at(due)
    assert (deadline.zone, deadline.calendar_version, deadline.provisional) == ("Asia/Shanghai", CHINA.version, False)


def test_hours_run_over_a_weekend_only_on_business_days() -> None:
    assert CHINA.deadline(at("2026-03-06T20:00"), timedelta(hours=8)).due_at == at("2026-03-09T04:00")
    assert CHINA.deadline(at("2026-03-07T20:00"), timedelta(0)).due_at == at("2026-03-09T00:00")


def test_the_local_time_stays_the_same_over_a_daylight_saving_change() -> None:
    prague = BusinessCalendar(country="CZ", zone="Europe/Prague")
    zone = ZoneInfo("Europe/Prague")
    start, due = at("2026-03-27T15:00", zone), at("2026-03-31T15:00", zone)  # clocks go forward on Sunday the 29th
    assert prague.deadline(start, HOURS_48).due_at == due
    assert prague.end_of_business_day(date(2026, 3, 27)) == datetime(2026, 3, 27, 23, tzinfo=UTC)


def test_a_business_day_begins_and_ends_at_local_midnight() -> None:
    assert CHINA.business_day(at("2026-03-06T23:59")) == date(2026, 3, 6)
    assert CHINA.business_day(at("2026-03-07T00:00")) == date(2026, 3, 9)
    assert CHINA.business_day(datetime(2026, 3, 5, 16, tzinfo=UTC)) == date(2026, 3, 6)
    assert CHINA.end_of_business_day(date(2026, 3, 6)) == at("2026-03-07T00:00")
    assert CHINA.end_of_business_day(date(2026, 3, 7)) == at("2026-03-10T00:00")


def test_counting_business_days() -> None:
    assert CHINA.next_business_day(date(2024, 9, 30)) == date(2024, 10, 8)
    assert CHINA.add_business_days(date(2024, 10, 8), -1) == date(2024, 9, 30)
    assert CHINA.business_days_between(date(2024, 9, 27), date(2024, 10, 8)) == 3  # Sunday the 29th, the 30th, the 8th
    assert CHINA.business_days_between(date(2024, 10, 8), date(2024, 9, 27)) == -3


def test_the_banks_own_table_wins_and_changes_the_version() -> None:
    branch_move, audit_saturday = date(2026, 3, 9), date(2026, 3, 7)
    own = BusinessCalendar(overrides=CalendarOverrides("2026.1", frozenset({branch_move}), frozenset({audit_saturday})))
    assert own.deadline(at("2026-03-06T15:00"), HOURS_48).due_at == at("2026-03-10T15:00")
    assert own.is_business_day(audit_saturday)
    assert not own.is_business_day(branch_move)
    assert own.version != CHINA.version
    with pytest.raises(ValueError, match="both"):
        CalendarOverrides("x", frozenset({branch_move}), frozenset({branch_move}))


def test_unpublished_years_are_provisional_until_the_bank_enters_them() -> None:
    start = at("2031-12-31T15:00")
    assert CHINA.deadline(start, HOURS_48).provisional
    entered = BusinessCalendar(overrides=CalendarOverrides("b", published_years=frozenset({2031, 2032})))
    assert not entered.deadline(start, HOURS_48).provisional
    assert not CHINA.is_provisional(1994)
    assert not BusinessCalendar(country="CZ", zone="Europe/Prague").is_provisional(2031)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        CHINA.business_day(datetime(2026, 3, 6, 12))  # noqa: DTZ001 - the naive instant is the point


DATES = st.dates(date(2020, 1, 1), date(2026, 9, 1))


@given(DATES, st.integers(0, 60))
def test_adding_and_counting_agree(day: date, count: int) -> None:
    start = CHINA.add_business_days(day, 0)
    end = CHINA.add_business_days(start, count)
    assert CHINA.is_business_day(end)
    assert CHINA.business_days_between(start, end) == count
    assert CHINA.add_business_days(end, -count) == start


@given(DATES, st.times(), st.integers(0, 200), st.integers(0, 200))
def test_clocks_are_monotone_and_never_end_on_a_day_off(day: date, clock_time: time, hours: int, later: int) -> None:
    start = datetime.combine(day, clock_time, SHANGHAI)
    due = CHINA.deadline(start, timedelta(hours=hours)).due_at
    assert due >= start
    assert CHINA.is_business_day(CHINA.local_date(due))
    assert CHINA.deadline(start + timedelta(hours=later), timedelta(hours=hours)).due_at >= due
    assert CHINA.deadline(due, timedelta(hours=later)).due_at == CHINA.deadline(start, timedelta(hours=hours + later)).due_at
