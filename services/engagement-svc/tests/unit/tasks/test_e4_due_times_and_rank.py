"""E3, E4: when each rule of a clock runs out, by the calendar of 2026, and the order of the list."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from engagement_svc.standards import ClockRule, ClockStandard
from engagement_svc.tasks.policy import SNOOZED, Origin, due_time, rank_key
from guanxi_common.calendar import BusinessCalendar

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Kind:
    clock: ClockStandard


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def due(rule: ClockRule, count: int, start: datetime, **said: timedelta | datetime) -> datetime:
    return due_time(Kind(ClockStandard(rule, count)), start, CALENDAR, **said).due_at  # type: ignore[arg-type]  # its clock alone is read


@pytest.mark.parametrize(
    ("rule", "count", "start", "end"),
    [
        # Hours of business days: nights count, days off do not.
        ("hours_of_business_days", 48, "2026-11-25T09:30", "2026-11-27T09:30"),
        ("hours_of_business_days", 48, "2026-11-27T15:00", "2026-12-01T15:00"),
        ("hours_of_business_days", 48, "2026-11-28T15:00", "2026-12-02T00:00"),  # a Saturday's starts with Monday
        ("hours_of_business_days", 24, "2026-09-30T17:00", "2026-10-08T17:00"),  # over the national holiday
        ("hours_of_business_days", 24, "2026-10-09T10:00", "2026-10-10T10:00"),  # to a Saturday that is worked (调休)
        ("hours_of_business_days", 0, "2026-11-25T09:30", "2026-11-25T09:30"),
        # Ends of business days.
        ("end_of_business_day", 0, "2026-11-25T09:30", "2026-11-26T00:00"),
        ("end_of_business_day", 0, "2026-11-28T09:30", "2026-12-01T00:00"),
        ("end_of_business_day", 1, "2026-11-27T23:59", "2026-12-01T00:00"),
        ("end_of_business_day", 1, "2026-11-28T09:30", "2026-12-02T00:00"),  # a Saturday belongs to Monday, so Tuesday's
        ("end_of_business_day", 5, "2026-09-29T12:00", "2026-10-13T00:00"),  # 30 September, 8, 9, 10 and 12 October
        # Ends of calendar days.
        ("end_of_calendar_day", 0, "2026-11-28T09:30", "2026-11-29T00:00"),
        ("end_of_calendar_day", 15, "2026-09-25T09:00", "2026-10-11T00:00"),  # D16: due on 10 October
        ("end_of_calendar_day", 30, "2027-01-31T09:00", "2027-03-03T00:00"),
        ("end_of_calendar_day", 1, "2028-02-28T23:59", "2028-03-01T00:00"),
    ],
)
def test_e4_when_a_clock_runs_out(rule: ClockRule, count: int, start: str, end: str) -> None:
    assert due(rule, count, at(start)) == at(end)
    assert due(rule, count, at(start).astimezone(UTC)) == at(end)


def test_e4_whoever_opens_a_task_may_name_its_hours_and_names_its_date() -> None:
    start, day = at("2026-11-27T15:00"), at("2027-05-03T00:00")
    assert due("hours_of_business_days", 48, start, within=timedelta(hours=72)) == at("2026-12-02T15:00")
    assert due("hours_of_business_days", 48, start, within=timedelta(0)) == start
    assert due("on_date", 0, start, on=day) == day
    with pytest.raises(ValueError, match="on a date"):
        due("on_date", 0, start)


@pytest.mark.parametrize(
    ("rule", "count", "start", "provisional"),
    [
        ("end_of_business_day", 3, "2026-12-28T12:00", False),  # through 31 December 2026
        ("end_of_business_day", 4, "2026-12-28T12:00", True),  # into 2027, whose make-up workdays are not published
        ("hours_of_business_days", 24, "2026-12-30T12:00", False),
        ("hours_of_business_days", 48, "2026-12-30T12:00", True),
        ("end_of_calendar_day", 30, "2026-12-28T12:00", False),  # needs no calendar of business days
    ],
)
def test_e4_a_clock_that_runs_into_a_year_without_a_calendar_is_provisional(
    rule: ClockRule, count: int, start: str, provisional: bool
) -> None:
    deadline = due_time(Kind(ClockStandard(rule, count)), at(start), CALENDAR)  # type: ignore[arg-type]  # its clock alone is read
    assert deadline.provisional is provisional
    assert (deadline.zone, deadline.calendar_version) == ("Asia/Shanghai", CALENDAR.version)


def test_e3_the_list_is_by_priority_then_by_what_is_due_first() -> None:
    soon, later, far = at("2026-11-28T15:00"), at("2026-11-28T15:01"), at("2199-12-31T00:00")
    order = [(1, soon), (1, later), (1, far), (2, soon), (50, soon), (50, far), (100, soon), (100, far), (32_767, far)]
    keys = [rank_key(priority, due_at) for priority, due_at in order]
    assert keys == sorted(set(keys))
    assert keys[-1] < SNOOZED < 2**63, "what is put off stands behind all others, and the column has 8 bytes"
    assert rank_key(3, datetime(2000, 1, 1, 0, 1, tzinfo=UTC)) == 3 * 2**40 + 60


@pytest.mark.parametrize(("part", "text"), [(None, "plan:{}"), ("2026-12-01", "plan:{}:2026-12-01")])
def test_e3_an_origin_is_told_by_its_text(part: str | None, text: str) -> None:
    assert str(Origin("plan", UUID(int=7), part)) == text.format(UUID(int=7))
