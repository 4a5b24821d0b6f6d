"""What a case is, and how many attempts of a caller may match. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

DAILY_LIMIT: Final = 10
"""How many attempts of one caller may match a file out of scope on one business day (D15)."""


class Outcome(StrEnum):
    """What the data desk found."""

    SAME_PERSON = "same_person"
    ENTERED_WRONGLY = "entered_wrongly"


@dataclass(frozen=True, slots=True)
class MatchCase:
    """`customer_id`: the file that has the document. `asked_by`: whose attempt met it."""

    id: UUID
    number: int
    customer_id: UUID
    asked_by: str
    opened_at: datetime
    outcome: Outcome | None = None
    note: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None

    @property
    def case_number(self) -> str:
        """What a caller names to the data desk."""
        return f"M{self.number:06d}"


def is_over_limit(matches_today: int) -> bool:
    """Whether the caller has learnt of enough files for today."""
    return matches_today >= DAILY_LIMIT
