"""Actions as the worklist hears of them."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from guanxi_contracts.vocabularies import Channel
from pydantic import BaseModel, ConfigDict, Field

from scoring_svc.signals.events import SignalReason

BasisPoints = Annotated[int, Field(ge=0, le=10_000)]


class Words(BaseModel):
    """The same in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class ActionRecommended(DomainEvent, type="guanxi.action.recommended.v1", topic="scoring.actions", key="customer_id"):
    """What somebody should do next. `chosen_probability_bp`: how probable it was that this one was chosen among the fitting ones;
    `consent_purpose`: what the customer must have agreed to, None where nothing is sold."""

    action_id: UUID
    customer_id: UUID
    kind: Literal["retention", "related_sale", "service"]
    reason_code: str
    reason: SignalReason
    reasons: Annotated[list[SignalReason], Field(min_length=1)]
    product_code: str | None = None
    channel: Channel
    content: Words
    price: Words | None = None
    priority_bp: BasisPoints
    value_minor: Annotated[int, Field(ge=0)]
    currency: str
    propensity_bp: BasisPoints
    chosen_probability_bp: BasisPoints
    due_within_hours: Annotated[int, Field(ge=1, le=8_760)]
    expires_on: date
    evidence: dict[str, Any]
    model_version: str
    severity: Literal["info", "warning", "critical"]
    historical: bool
    consent_purpose: str | None = None


class ActionWithdrawn(DomainEvent, type="guanxi.action.withdrawn.v1", topic="scoring.actions", key="customer_id"):
    """A recommended action no longer stands. `reason`: `reason_gone`, `expired`, `superseded` or `hold`."""

    action_id: UUID
    customer_id: UUID
    reason: str
