"""Bodies of the operations on staff."""

from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line
from pydantic import Field

from customer_svc.directory.schemas import Code


class StaffRegistration(Body):
    """`subject` is the `sub` of the tokens that this person will present. `reason` is needed where a second person decides."""

    subject: Code
    name: Line
    role: Code
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    reason: Line | None = Field(default=None, description="Why; needed for a power role, where a second person decides.")


class StaffChange(Body):
    """Merge patch: what is left out stays; null clears `outlet_id` and `reports_to`. `reason` is no part of the entry."""

    name: Line = ""
    role: Code = ""
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    active: bool = True
    reason: Line | None = Field(default=None, description="Why; needed for a power role, where a second person decides.")


class StaffOut(Answer):
    id: UUID
    subject: str
    name: str
    role: str
    outlet_id: UUID | None
    reports_to: UUID | None
    active: bool
    version: int


class CallerOut(Answer):
    """Who the token says you are, and what you may do: permission → own, outlet or all."""

    staff_id: UUID
    role: str
    outlet_id: UUID | None
    grants: dict[str, str]
