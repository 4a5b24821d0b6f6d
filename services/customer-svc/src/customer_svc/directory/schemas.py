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


class RoleOut(Answer):
    role: str
    grants: dict[str, str]
    version: int
