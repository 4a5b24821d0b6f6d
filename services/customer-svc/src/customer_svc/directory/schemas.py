"""Bodies of the directory operations."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line
from pydantic import Field

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]


class OutletKind(StrEnum):
    """Kinds of outlet (slide 53) and the levels above them."""

    HEAD_OFFICE = "head_office"
    REGION = "region"
    TRADITIONAL = "traditional"
    SELF_SERVICE = "self_service"
    MULTI_CHANNEL = "multi_channel"
    MARKETING_LED = "marketing_led"


class OutletRegistration(Body):
    code: Code
    name: Line
    kind: OutletKind
    parent_id: UUID | None = Field(default=None, description="The outlet above; null for the head office.")


class OutletOut(Answer):
    id: UUID
    code: str
    name: str
    kind: str
    parent_id: UUID | None
    version: int


class StaffRegistration(Body):
    """`subject` is the `sub` of the tokens that this person, or client system, will present."""

    subject: Code
    name: Line
    role: Code
    outlet_id: UUID | None = None
    reports_to: UUID | None = None


class StaffChange(Body):
    """Merge patch: what is left out stays; null clears `outlet_id` and `reports_to`."""

    name: Line = ""
    role: Code = ""
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    active: bool = True


class StaffOut(Answer):
    id: UUID
    subject: str
    name: str
    role: str
    outlet_id: UUID | None
    reports_to: UUID | None
    active: bool
    version: int


class RoleOut(Answer):
    role: str
    grants: dict[str, str]
    version: int


class CallerOut(Answer):
    """Who the token says you are, and what you may do: permission → own, outlet or all."""

    staff_id: UUID
    role: str
    outlet_id: UUID | None
    grants: dict[str, str]
