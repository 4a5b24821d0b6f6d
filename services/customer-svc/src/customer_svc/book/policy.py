"""An interval of the book, and the first one of a customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Capacity = Literal["primary_rm", "assistant"]

KEEPS_CUSTOMERS = frozenset({"relationship_manager", "team_lead", "outlet_manager"})


@dataclass(frozen=True, slots=True)
class Interval:
    """`staff_id` looks after the customer in `capacity` while valid_from <= now < valid_to (None: open)."""

    capacity: Capacity
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None = None


def filing_interval(outlet_id: UUID, staff_id: UUID | None, now: datetime) -> Interval:
    """The first interval of a new customer: with the RM who files it, else with the outlet's lead."""
    return Interval("primary_rm", staff_id, outlet_id, now)
