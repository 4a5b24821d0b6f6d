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

    @property
    def named(self) -> list[UUID]:
        """The members of staff to whom the customer is given."""
        return [one for one in (self.rm_id, self.assistant_id) if one is not None]


class AssignmentOut(Answer):
    """One interval of the book; `valid_to` null is open."""

    customer_id: UUID
    capacity: Literal["primary_rm", "assistant"]
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None


class AssignmentList(Answer):
    """`responsible_id` follows the book and the directory: a suspended RM is followed by the deputy, else by the lead of the outlet."""

    data: list[AssignmentOut]
    responsible_id: UUID | None = Field(description="Staff id of who is responsible now; null where no outlet above has a lead.")
    next_cursor: str | None = None
