"""C6: quiet hours by the clock on the customer's wall, and which contacts keep to them and count."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from engagement_svc.contact_budget.policy import QuietHours, consent_for, counted_as, disturbs
from engagement_svc.standards import ContactLimit

SHANGHAI, PRAGUE = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Prague")
NIGHT, NOON = QuietHours(time(22), time(8)), QuietHours(time(12), time(14, 30))
ALL_DAY_FROM_NOON = QuietHours(time(12), time(12))


@pytest.mark.parametrize(
    ("hours", "local", "end"),
    [
        (NIGHT, "2026-11-28T21:59:59", None),
        (NIGHT, "2026-11-28T22:00:00", "2026-11-29T08:00:00"),
        (NIGHT, "2026-12-31T23:30:00", "2027-01-01T08:00:00"),
        (NIGHT, "2026-11-29T00:00:00", "2026-11-29T08:00:00"),
        (NIGHT, "2026-11-29T07:59:59", "2026-11-29T08:00:00"),
        (NIGHT, "2026-11-29T08:00:00", None),
        (NIGHT, "2026-11-29T12:00:00", None),
        (NOON, "2026-11-28T11:59:59", None),
        (NOON, "2026-11-28T12:00:00", "2026-11-28T14:30:00"),
        (NOON, "2026-11-28T14:29:59", "2026-11-28T14:30:00"),
        (NOON, "2026-11-28T14:30:00", None),
        (NOON, "2026-11-28T23:00:00", None),
        (NOON, "2026-11-28T01:00:00", None),
        (ALL_DAY_FROM_NOON, "2026-11-28T11:59:59", "2026-11-28T12:00:00"),
        (ALL_DAY_FROM_NOON, "2026-11-28T12:00:00", "2026-11-29T12:00:00"),
    ],
)
def test_c6_when_the_quiet_hours_end(hours: QuietHours, local: str, end: str | None) -> None:
    found = hours.end_for(datetime.fromisoformat(local).replace(tzinfo=SHANGHAI))
    assert found == (datetime.fromisoformat(end).replace(tzinfo=SHANGHAI) if end else None)


def test_c6_they_end_by_the_wall_clock_in_the_night_that_is_an_hour_longer() -> None:
    end = NIGHT.end_for(datetime(2026, 10, 24, 22, tzinfo=PRAGUE))
    assert end is not None
    assert (end.isoformat(), end.tzinfo) == ("2026-10-25T08:00:00+01:00", PRAGUE)


@pytest.mark.parametrize(
    ("purpose", "channel", "disturbed"),
    [
        ("marketing", "phone", True),
        ("marketing", "sms", True),
        ("care", "wechat", True),
        ("care", "branch", False),  # the customer comes
        ("marketing", "branch", False),
        ("service", "phone", False),  # the customer's own matter
    ],
)
def test_c6_who_keeps_to_the_quiet_hours(purpose: str, channel: str, disturbed: bool) -> None:
    assert disturbs(purpose, channel) is disturbed


@pytest.mark.parametrize(("purpose", "consent"), [("marketing", "marketing"), ("care", None), ("service", None)])
def test_c6_only_selling_needs_consent(purpose: str, consent: str | None) -> None:
    assert consent_for(purpose) == consent


@pytest.mark.parametrize(
    ("recorded", "counts"),
    [("related_sales", "marketing"), ("care", "care"), ("plan_follow_up", "care"), ("service", None), ("complaint", None)],
)
def test_d5_what_a_contact_counts_as(recorded: str, counts: str | None) -> None:
    assert counted_as(recorded) == counts


@pytest.mark.parametrize(("contacts", "days"), [(-1, 30), (1, 0), (1, -1)])
def test_d5_a_limit_that_means_nothing_is_refused(contacts: int, days: int) -> None:
    assert ContactLimit(0, 1).max_contacts == 0
    with pytest.raises(ValueError, match="at least a day"):
        ContactLimit(contacts, days)
