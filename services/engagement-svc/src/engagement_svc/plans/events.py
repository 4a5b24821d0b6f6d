"""Facts about financial plans."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class PlanAgreed(DomainEvent, type="guanxi.plan.agreed.v1", topic="engagement.plans", key="customer_id"):
    plan_id: UUID
    customer_id: UUID
    agreed_on: date
    next_review_on: date


class PlanReviewed(DomainEvent, type="guanxi.plan.reviewed.v1", topic="engagement.plans", key="customer_id"):
    """`outcome` is on_track, adjusted, at_risk or ended; an ended plan has no next review."""

    review_id: UUID
    plan_id: UUID
    customer_id: UUID
    reviewed_on: date
    next_review_on: date | None
    outcome: str
    reviewer_id: UUID
