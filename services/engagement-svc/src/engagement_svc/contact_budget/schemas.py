"""Bodies of the contact budget."""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from guanxi_contracts.vocabularies import Channel
from pydantic import Field


class ContactPurpose(StrEnum):
    MARKETING = "marketing"
    SERVICE = "service"
    CARE = "care"


class ReservationRequest(Body):
    customer_id: UUID
    purpose: ContactPurpose
    channel: Channel


class ReservationReference(Body):
    reservation_id: UUID


class ReservationOut(Answer):
    """One contact set aside in the period that begins on `period_start`. `overdrawn`: it went past the limit.

    `expired`: nobody confirmed or released it before the period was over; a contact that was made can still be confirmed."""

    id: UUID
    customer_id: UUID
    period_start: date
    per_days: int
    purpose: str
    channel: str
    state: Literal["reserved", "confirmed", "released", "expired"]
    overdrawn: bool
    reserved_at: datetime
    settled_at: datetime | None


class ContactBudgetOut(Answer):
    """`left` is never negative; `overdrawn` counts the contacts that went past the limit."""

    customer_id: UUID
    period_start: date
    period_end: date = Field(description="The first day after the period.")
    max_contacts: int
    used: int
    reserved: int
    left: int
    overdrawn: int
