"""Bodies of the operations on staff."""

from datetime import datetime
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line
from guanxi_common.instants import Instant
from pydantic import Field

from customer_svc.directory.schemas import Code

_WHY = "Why; needed for a power role, where a second person decides."
_DEPUTY = "A relationship manager who sees and works the book during a leave, and takes over the duties of a suspension."
_TAKER = (
    "Who takes over the customers and the transfers to come, where they would hang on somebody who leaves, moves or changes role."
)


class StaffRegistration(Body):
    """`subject` is the `sub` of the tokens that this person will present. `reason` is needed where a second person decides."""

    subject: Code
    name: Line
    role: Code
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    deputy_id: UUID | None = Field(default=None, description=_DEPUTY)
    reason: Line | None = Field(default=None, description=_WHY)


class StaffChange(Body):
    """Merge patch: what is left out stays; null clears an id or an instant. `reason` and `hand_over_to` are no part of the entry."""

    name: Line = ""
    role: Code = ""
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    active: bool = True
    deputy_id: UUID | None = Field(default=None, description=_DEPUTY)
    away_from: Instant | None = Field(default=None, description="The beginning of a leave; with `away_until`, or neither.")
    away_until: Instant | None = Field(
        default=None, description="The end of the leave, from which the deputy sees the book no more."
    )
    hand_over_to: UUID | None = Field(default=None, description=_TAKER)
    reason: Line | None = Field(default=None, description=_WHY)


class Deactivation(Body):
    """The end of an employment."""

    hand_over_to: UUID | None = Field(default=None, description=_TAKER)
    reason: Line | None = Field(default=None, description=_WHY)


class Suspension(Body):
    """Why the access ends at once."""

    reason: Line


class Reinstatement(Body):
    """Why the access is given back."""

    reason: Line


class StaffOut(Answer):
    id: UUID
    subject: str
    name: str
    role: str
    outlet_id: UUID | None
    reports_to: UUID | None
    active: bool
    suspended: bool = Field(description="Employed, and without access until reinstated.")
    deputy_id: UUID | None
    away_from: datetime | None
    away_until: datetime | None
    version: int


class CallerOut(Answer):
    """Who the token says you are, and what you may do: permission → own, outlet or all."""

    staff_id: UUID
    role: str
    outlet_id: UUID | None
    grants: dict[str, str]
