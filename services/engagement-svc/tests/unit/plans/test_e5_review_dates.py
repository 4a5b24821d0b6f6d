"""E5: when a plan is due for review, by the calendar."""

from datetime import date
from uuid import UUID

import pytest
from engagement_svc.plans.policy import add_months, review_fits, review_origin


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        ("2026-11-28", 1, "2026-12-28"),
        ("2026-11-28", 2, "2027-01-28"),  # over the year's end
        ("2026-12-01", 12, "2027-12-01"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2027-08-31", 6, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-11-28", 36, "2029-11-28"),
        ("2026-11-28", 0, "2026-11-28"),
    ],
)
def test_e5_the_same_day_of_a_later_month_or_its_last(day: str, months: int, due: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("reviewed_on", "next_review_on", "fits"),
    [
        ("2026-11-28", None, True),  # today
        ("2026-11-29", None, False),  # tomorrow
        ("2026-06-01", None, True),  # the day of the agreement
        ("2026-05-31", None, False),
        ("2026-11-28", "2026-11-29", True),
        ("2026-11-28", "2026-11-28", False),  # the next one is another one
        ("2026-11-28", "2026-11-27", False),
        ("2026-11-29", "2027-11-29", False),
        ("2026-05-31", "2027-05-31", False),
    ],
)
def test_e5_a_review_lies_between_the_agreement_and_today_and_the_next_one_after_it(
    reviewed_on: str, next_review_on: str | None, fits: bool
) -> None:
    following = date.fromisoformat(next_review_on) if next_review_on else None
    facts = {"agreed_on": date(2026, 6, 1), "next_review_on": following, "today": date(2026, 11, 28)}
    assert review_fits(date.fromisoformat(reviewed_on), **facts) is fits


def test_e5_each_due_review_of_a_plan_opens_a_task_of_its_own() -> None:
    plan = UUID(int=7)
    assert str(review_origin(plan, date(2026, 12, 1))) == f"plan:{plan}:2026-12-01"
    assert review_origin(plan, date(2026, 12, 1)) == review_origin(plan, date(2026, 12, 1))
