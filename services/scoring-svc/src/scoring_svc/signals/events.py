"""Signals as the worklist hears of them."""

from datetime import date
from typing import Any
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import BaseModel, ConfigDict


class SignalReason(BaseModel):
    """Why, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    zh: str
    en: str


class SignalRaised(DomainEvent, type="guanxi.signal.raised.v1", topic="scoring.signals", key="customer_id"):
    """`historical`: booked so long ago that nobody should act on it. `evidence` holds the figures compared and the entries."""

    signal_id: UUID
    customer_id: UUID
    kind: str
    severity: str
    business_date: date
    historical: bool
    reason: SignalReason
    evidence: dict[str, Any]
