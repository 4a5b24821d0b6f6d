"""The rules of break-glass. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST_HOURS: Final = 8
"""A working day."""

MOST_OPEN: Final = 10
"""Customers that are open to one person at once."""


class Verdict(StrEnum):
    """What the review comes to."""

    JUSTIFIED = "justified"  # 合理
    UNJUSTIFIED = "unjustified"  # 不合理


def ends_at(now: datetime, hours: int) -> datetime:
    """When an access of so many hours ends. Raises ValueError for other than 1 to `MOST_HOURS`."""
    if not 1 <= hours <= MOST_HOURS:
        raise ValueError(f"1 to {MOST_HOURS} hours")
    return now + timedelta(hours=hours)


def has_too_many(open_now: int) -> bool:
    """Whether nothing more is opened to somebody to whom so many are open."""
    return open_now >= MOST_OPEN


def may_review(reviewer: UUID, opened_by: UUID) -> bool:
    """Nobody reviews their own."""
    return reviewer != opened_by
