"""Bodies of the contact budget."""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from guanxi_common.instants import Instant
from guanxi_contracts.vocabularies import Channel
from pydantic import Field


class ContactPurpose(StrEnum):
    MARKETING = "marketing"
    SERVICE = "service"
    CARE = "care"


class ReservationRequest(Body):
    """A contact to be set aside, for `on_day` or, with `until`, for the earliest day through it that fits."""

    customer_id: UUID
    purpose: ContactPurpose
    channel: Channel
    on_day: date | None = Field(default=None, description="The business date of the contact; left out: today.")
    until: date | None = Field(default=None, description="The last date that would do; left out: `on_day` alone.")


class ReservationReference(Body):
    reservation_id: UUID


class Confirmation(ReservationReference):
    """`made_at`: when the contact was made, after it was set aside; left out: just now."""

    made_at: Instant | None = None


class ReservationOut(Answer):
    """One contact set aside for `on_day`, or made on it. `overdrawn`: it was made past the limit.

    `expired`: nobody confirmed or released it by `holds_until`. `cancelled`: it gave way (`contact_limit`), or the customer withdrew the
    consent (`no_consent`). A contact that was made can still be confirmed; `without_consent` then says that the customer had withdrawn
    before, though the bank did not know yet."""

    id: UUID
    customer_id: UUID
    purpose: str
    channel: str
    state: Literal["reserved", "confirmed", "released", "expired", "cancelled"]
    on_day: date
    holds_until: date
    overdrawn: bool
    reserved_at: datetime
    settled_at: datetime | None
    made_at: datetime | None
    ended_because: Literal["contact_limit", "no_consent", "corrected"] | None
    without_consent: bool


class ContactBudgetOut(Answer):
    """The limit, and what counts towards it in the `per_days` days that end today. `left`: how many more fit today; never negative."""

    customer_id: UUID
    max_contacts: int
    per_days: int
    used: int
    reserved: int = Field(description="Set aside, for whatever date.")
    left: int
    overdrawn: int = Field(description="How many of those used were past the limit.")
    next_free_on: date | None = Field(
        description="The first day, from today, on which a contact fits; null where the limit is 0."
    )
