"""Bodies of the assignment operations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from guanxi_common.instants import Instant
from pydantic import Field


class AssignmentRequest(Body):
    """`effective_at` defaults to at once for a customer without an RM, else to five minutes from now."""

    rm_id: UUID = Field(description="Staff id of the new primary RM (客户经理).")
    assistant_id: UUID | None = Field(default=None, description="Staff id of the RM's assistant (客户经理助理).")
    effective_at: Instant | None = None


class AssignmentOut(Answer):
    """One interval of the book; `valid_to` null is open."""

    customer_id: UUID
    capacity: Literal["primary_rm", "assistant"]
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None


class AssignmentList(Answer):
    data: list[AssignmentOut]
    next_cursor: str | None = None
