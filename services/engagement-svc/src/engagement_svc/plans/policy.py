"""Pure rules of plans: when the next review is due."""

from calendar import monthrange
from datetime import date
from uuid import UUID

from engagement_svc.tasks.policy import Origin


def add_months(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def review_fits(reviewed_on: date, *, agreed_on: date, next_review_on: date | None, today: date) -> bool:
    return agreed_on <= reviewed_on <= today and (next_review_on is None or next_review_on > reviewed_on)


def review_origin(plan_id: UUID, due_on: date) -> Origin:
    """What opens the task of a due review, and what the review then ends."""
    return Origin("plan", plan_id, due_on.isoformat())
