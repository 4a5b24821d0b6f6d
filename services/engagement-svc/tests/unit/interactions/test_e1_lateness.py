"""E1: a contact is recorded on its business day (及时记录, slide 73), by the calendar of 2026."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from engagement_svc.interactions.policy import is_in_the_future, is_late
from guanxi_common.calendar import BusinessCalendar

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("occurred", "recorded", "late"),
    [
        ("2026-11-25T15:00", "2026-11-25T15:01", False),
        ("2026-11-25T15:00", "2026-11-25T23:59:59.999999", False),
        ("2026-11-25T15:00", "2026-11-26T00:00", False),  # the day's last moment is its end
        ("2026-11-25T15:00", "2026-11-26T00:00:00.000001", True),
        ("2026-11-25T00:00", "2026-11-26T00:00", False),
        ("2026-11-24T23:59:59", "2026-11-25T00:00:01", True),
        ("2026-11-27T18:00", "2026-11-28T09:00", True),  # Friday's on Saturday
        ("2026-11-28T10:00", "2026-11-30T23:59", False),  # Saturday's belongs to Monday
        ("2026-11-28T10:00", "2026-12-01T00:01", True),
        ("2026-10-01T10:00", "2026-10-08T20:00", False),  # the national holiday's to the first day after it
        ("2026-10-01T10:00", "2026-10-09T08:00", True),
        ("2026-10-10T10:00", "2026-10-11T08:00", True),  # a Saturday that was worked (调休)
        ("2026-10-10T10:00", "2026-10-10T23:00", False),
    ],
)
def test_e1_a_record_is_late_after_the_end_of_its_business_day(occurred: str, recorded: str, late: bool) -> None:
    occurred_at, recorded_at = (datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (occurred, recorded))
    assert is_late(occurred_at, recorded_at, CALENDAR) is late
    assert is_late(occurred_at.astimezone(UTC), recorded_at.astimezone(UTC), CALENDAR) is late


@pytest.mark.parametrize(
    ("ahead", "refused"),
    [
        (timedelta(0), False),
        (timedelta(minutes=5), False),  # two clocks
        (timedelta(minutes=5, microseconds=1), True),
        (timedelta(days=-400), False),
    ],
)
def test_e1_a_contact_has_happened(ahead: timedelta, refused: bool) -> None:
    assert is_in_the_future(NOW + ahead, NOW) is refused
