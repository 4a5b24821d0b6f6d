"""Bodies of the interaction operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from guanxi_common.http.bodies import SPOKEN, Answer, Body, Line
from guanxi_common.instants import Instant
from guanxi_contracts.vocabularies import Channel
from pydantic import Field

UNSAID: Final[Any] = None
"""The default of what a correction leaves out; sent, null is refused."""


class Result(StrEnum):
    """结果. `not_reached` is recorded too, but ends no task."""

    REACHED_POSITIVE = "reached_positive"
    REACHED_NEUTRAL = "reached_neutral"
    REACHED_NEGATIVE = "reached_negative"
    APPOINTMENT_MADE = "appointment_made"
    DECLINED = "declined"
    NOT_REACHED = "not_reached"


class Purpose(StrEnum):
    """Why there was a contact (slide 96)."""

    PLAN_FOLLOW_UP = "plan_follow_up"
    CARE = "care"  # 情感维护
    RELATED_SALES = "related_sales"
    SERVICE = "service"


class RelationshipEffect(StrEnum):
    """What it did to the relationship (slide 77)."""

    STARTS = "starts"
    STRENGTHENS = "strengthens"
    NONE = "none"
    WEAKENS = "weakens"
    ENDS = "ends"


class InteractionRecord(Body):
    """One contact, as it happened."""

    customer_id: UUID
    method: Annotated[Channel, Field(description="方式: by which channel.")]
    direction: Literal["outbound", "inbound"] = "outbound"
    purpose: Purpose
    occurred_at: Instant
    content: Annotated[str, Field(min_length=1, max_length=10_000, description="内容: what was said."), SPOKEN]
    result: Result
    result_note: Annotated[str, Field(max_length=2_000), SPOKEN] | None = None
    relationship_effect: RelationshipEffect = RelationshipEffect.NONE
    participants: Annotated[list[Line], Field(max_length=20)] = []
    materials: Annotated[list[Line], Field(max_length=20)] = []
    next_step: Annotated[str, Field(max_length=1_000), SPOKEN] | None = None
    replied: Annotated[bool, Field(description="Of a written contact: the other side has answered.")] = False
    answers: Annotated[list[UUID], Field(min_length=1, max_length=50)] | None = Field(
        default=None,
        description="The tasks that this contact answers. Left out: the customer's open tasks that end by a contact for this purpose.",
    )


class InteractionCorrection(Body):
    """What was wrong with the record. What is left out stays as it was said; `answers` too."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000, description="Why the record was wrong."), SPOKEN]
    method: Channel = Field(default=UNSAID)
    direction: Literal["outbound", "inbound"] = Field(default=UNSAID)
    purpose: Purpose = Field(default=UNSAID)
    occurred_at: Instant = Field(default=UNSAID)
    content: Annotated[str, Field(min_length=1, max_length=10_000), SPOKEN] = Field(default=UNSAID)
    result: Result = Field(default=UNSAID)
    result_note: Annotated[str, Field(max_length=2_000), SPOKEN] | None = None
    relationship_effect: RelationshipEffect = Field(default=UNSAID)
    participants: Annotated[list[Line], Field(max_length=20)] = Field(default=UNSAID)
    materials: Annotated[list[Line], Field(max_length=20)] = Field(default=UNSAID)
    next_step: Annotated[str, Field(max_length=1_000), SPOKEN] | None = None
    replied: bool = Field(default=UNSAID)
    answers: Annotated[list[UUID], Field(min_length=1, max_length=50)] | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said of the contact otherwise than before."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"reason"}}


class InteractionOut(Answer):
    """A recorded contact. `completed_task_ids` are the tasks that it ended; `late` that it was recorded after the business day.
    `revision` counts what was said of it; the reason is that of the last correction."""

    id: UUID
    customer_id: UUID
    method: str
    direction: str
    replied: bool
    purpose: str
    occurred_at: datetime
    booked_on: date
    content: str
    result: str
    result_note: str | None
    relationship_effect: str
    participants: list[str]
    materials: list[str]
    next_step: str | None
    recorded_by: UUID
    recorded_at: datetime
    late: bool
    completed_task_ids: list[UUID]
    revision: int
    corrected_at: datetime | None
    corrected_by: UUID | None
    correction_reason: str | None


class InteractionList(Answer):
    data: list[InteractionOut]
    next_cursor: str | None
