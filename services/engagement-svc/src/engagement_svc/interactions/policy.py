"""Pure rules of the contact record."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from guanxi_common.calendar import BusinessCalendar

from engagement_svc.standards import CorrectionStandard

CLOCK_TOLERANCE = timedelta(minutes=5)
EVIDENCE = ("method", "direction", "replied", "purpose", "occurred_at", "result", "answers")
"""What of a record is evidence. A correction of anything else (a slip of the pen) has nothing judged again."""


def is_in_the_future(occurred_at: datetime, now: datetime) -> bool:
    return occurred_at > now + CLOCK_TOLERANCE


def is_late(occurred_at: datetime, recorded_at: datetime, calendar: BusinessCalendar) -> bool:
    """Recorded after the end of the business day to which the contact belongs (及时记录, slide 73)."""
    return recorded_at > calendar.end_of_business_day(calendar.business_day(occurred_at))


class NotCorrected(StrEnum):
    """Why a record stays as it is."""

    NOT_THE_AUTHOR = "not_the_author"
    TOO_LATE = "too_late"


def why_not_corrected(
    recorded_on: date, today: date, standard: CorrectionStandard, *, author: bool, lead: bool
) -> NotCorrected | None:
    """Who else than its author or a lead corrects nothing; both have so many calendar days after the record."""
    if not author and not lead:
        return NotCorrected.NOT_THE_AUTHOR
    days = standard.lead_days if lead else standard.author_days
    return NotCorrected.TOO_LATE if today > recorded_on + timedelta(days=days) else None
