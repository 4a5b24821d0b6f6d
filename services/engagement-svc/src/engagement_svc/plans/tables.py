"""Plan and review tables."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class PlanRow(Base):
    """A plan that the customer has agreed to; `next_review_on` null: ended.

    `goals` is a list of {area, term, description, target?, due_on?}.
    """

    __tablename__ = "plan"
    __table_args__ = (
        Index("ix_plan_customer", "customer_id", "agreed_on"),
        Index("ix_plan_review_due", "next_review_on", postgresql_where=text("NOT review_task_opened")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    life_stage: Mapped[str]
    objective: Mapped[str]
    goals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    agreed_on: Mapped[date]
    agreement_method: Mapped[str]
    review_every_months: Mapped[int]
    next_review_on: Mapped[date | None]
    review_task_opened: Mapped[bool]
    author_id: Mapped[UUID]
    version: Mapped[int]
    created_at: Mapped[datetime]


class PlanReviewRow(Base):
    """One review: what changed, portfolio against plan, advice, the next one."""

    __tablename__ = "plan_review"
    __table_args__ = (Index("ix_plan_review_plan", "plan_id", "reviewed_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    customer_id: Mapped[UUID]
    reviewed_at: Mapped[datetime]
    reviewed_on: Mapped[date]
    changes: Mapped[str]
    portfolio_against_plan: Mapped[str]
    advice: Mapped[str]
    outcome: Mapped[str]
    next_review_on: Mapped[date | None]
    reviewer_id: Mapped[UUID]
    recorded_at: Mapped[datetime]
