"""Bodies of the satisfaction operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Prose
from pydantic import Field


class Subject(StrEnum):
    """What the customer was asked about."""

    RELATIONSHIP = "relationship"
    VISIT = "visit"
    CALL = "call"
    BRANCH = "branch"
    CHANNEL = "channel"
    PRODUCT = "product"
    ADVICE = "advice"
    COMPLAINT = "complaint"
    EVENT = "event"
    OTHER = "other"


class SatisfactionRecord(Body):
    """An answer, as the customer gave it."""

    customer_id: UUID
    satisfaction: Annotated[
        int, Field(ge=1, le=5, description="5 delighted (愉悦), 3 to 4 satisfied (满意), 1 to 2 dissatisfied (不满意).")
    ]
    nps: Annotated[int, Field(ge=0, le=10, description="How likely the customer is to recommend the bank.")] | None = None
    answered_on: date
    asked_about: Subject
    interaction_id: UUID | None = Field(default=None, description="The contact in which it was said.")
    comment: Prose | None = Field(default=None, description="The customer's own words. They stay here.")


class SatisfactionOut(Answer):
    id: UUID
    customer_id: UUID
    satisfaction: int
    nps: int | None
    answered_on: date
    asked_about: str
    interaction_id: UUID | None
    comment: str | None
    recorded_by: UUID
    recorded_at: datetime
