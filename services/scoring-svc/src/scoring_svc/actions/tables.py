"""The recommended actions, what became of them, and what was learnt."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ActionRow(Base):
    """`action_id` is derived from what gave rise to it: recommended once, however often it is found.

    `state`: `open` → `accepted` → `concluded`, or `declined`, `withdrawn`. `closed_because`: the outcome, or why it was declined
    or withdrawn. `changed_at`: when the state last changed. Money in minor units of `currency`.
    `consent_purpose`: what the customer must have agreed to, None where the action sells nothing.
    """

    __tablename__ = "action"
    __table_args__ = (
        Index("ix_action_ranked", "state", "priority_bp", "action_id"),
        Index("ix_action_expires_on", "expires_on", "action_id"),
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    action_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reason_code: Mapped[str]
    reasons: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    product_code: Mapped[str | None]
    channel: Mapped[str]
    content: Mapped[dict[str, str]] = mapped_column(JSONB)
    price: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    priority_bp: Mapped[int]
    value_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    propensity_bp: Mapped[int]
    chosen_probability_bp: Mapped[int]
    due_within_hours: Mapped[int]
    expires_on: Mapped[date]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    model_version: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    closed_because: Mapped[str | None]
    recommended_at: Mapped[datetime]
    recommended_on: Mapped[date]
    changed_at: Mapped[datetime]
    consent_purpose: Mapped[str | None]


class ActionPlanRow(Base):
    """What was considered for a customer when it was last looked. `fitting`: how many candidates no rule refused.

    `first_planned_on`: since when the customer counts in the uplift report; null before the first look.
    """

    __tablename__ = "action_plan"
    __table_args__ = (Index("ix_action_plan_planned_on", "planned_on", "customer_id"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    planned_on: Mapped[date]
    first_planned_on: Mapped[date | None]
    hold_out: Mapped[bool]
    fitting: Mapped[int]
    considered: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class ActionLeverRow(Base):
    """What came of the actions of a kind by a channel."""

    __tablename__ = "action_lever"

    kind: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    successes: Mapped[int]
    failures: Mapped[int]
