"""Pure rules of the contact record."""

from datetime import datetime, timedelta

from guanxi_common.calendar import BusinessCalendar

CLOCK_TOLERANCE = timedelta(minutes=5)


def is_in_the_future(occurred_at: datetime, now: datetime) -> bool:
    return occurred_at > now + CLOCK_TOLERANCE


def is_late(occurred_at: datetime, recorded_at: datetime, calendar: BusinessCalendar) -> bool:
    """Recorded after the end of the business day to which the contact belongs (及时记录, slide 73)."""
    return recorded_at > calendar.end_of_business_day(calendar.business_day(occurred_at))
