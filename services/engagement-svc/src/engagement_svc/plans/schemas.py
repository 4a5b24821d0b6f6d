"""Bodies of the plan operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from guanxi_common.http.bodies import READABLE, SPOKEN, Answer, Body
from guanxi_common.instants import Instant
from guanxi_common.money import Money
from pydantic import Field

LongText = Annotated[str, Field(min_length=1, max_length=5_000), SPOKEN]


class LifeStage(StrEnum):
    """生命周期阶段 (slide 92)"""

    SINGLE = "single"
    YOUNG_FAMILY = "young_family"
    GROWING_FAMILY = "growing_family"
    MATURE_FAMILY = "mature_family"
    RETIRED = "retired"


class PlanArea(StrEnum):
    """The six CFP areas (slide 94)."""

    PRINCIPLES = "principles"
    RISK = "risk"
    INVESTMENT = "investment"
    TAX = "tax"
    RETIREMENT = "retirement"
    ESTATE = "estate"


class Term(StrEnum):
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class ReviewOutcome(StrEnum):
    ON_TRACK = "on_track"
    ADJUSTED = "adjusted"
    AT_RISK = "at_risk"
    ENDED = "ended"


class Goal(Body):
    area: PlanArea
    term: Term
    description: Annotated[str, Field(min_length=1, max_length=500), SPOKEN]
    target: Money | None = None
    due_on: date | None = None


class PlanAgreement(Body):
    """A plan as the customer agreed to it."""

    customer_id: UUID
    life_stage: LifeStage
    objective: LongText
    goals: Annotated[list[Goal], Field(min_length=1, max_length=30)]
    agreed_on: date
    agreement_method: Annotated[
        str, Field(min_length=1, max_length=60, description="How the customer agreed, e.g. signed."), READABLE
    ]
    review_every_months: Annotated[int, Field(ge=1, le=36)] = 6


class PlanOut(Answer):
    id: UUID
    customer_id: UUID
    life_stage: str
    objective: str
    goals: list[dict[str, Any]]
    agreed_on: date
    agreement_method: str
    review_every_months: int
    next_review_on: date | None
    author_id: UUID
    version: int
    created_at: datetime


class PlanReviewRecord(Body):
    """One review. `next_review_on` defaults to the plan's rhythm; a plan that is `ended` has none."""

    reviewed_at: Instant
    changes: LongText
    portfolio_against_plan: LongText
    advice: LongText
    outcome: ReviewOutcome
    next_review_on: date | None = None


class PlanReviewOut(Answer):
    id: UUID
    plan_id: UUID
    customer_id: UUID
    reviewed_at: datetime
    reviewed_on: date
    changes: str
    portfolio_against_plan: str
    advice: str
    outcome: str
    next_review_on: date | None
    reviewer_id: UUID
    recorded_at: datetime
    completed_task_ids: list[UUID]
