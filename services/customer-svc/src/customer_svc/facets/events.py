"""The facets as they travel. Names travel sealed; of a vulnerability travels only when it is looked at again."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AssignmentInterval(_Part):
    """One row of the book: `staff_id` None means that the outlet's lead is responsible; `valid_to` None means open."""

    capacity: Literal["primary_rm", "assistant"]
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None


class AssessedRisk(_Part):
    """The assessment that counts, expired or not: who reads it compares `expires_on` with the day."""

    level: Annotated[int, Field(ge=1, le=5)]
    assessed_on: date
    expires_on: date


class LatestConsent(_Part):
    """What the customer last said of a purpose and channel."""

    purpose: str
    channel: str
    granted: bool
    since: datetime


class OwnLimits(_Part):
    """At most `max_contacts` in `per_days` days."""

    max_contacts: Annotated[int, Field(ge=0, le=1000)]
    per_days: Annotated[int, Field(ge=1, le=366)]


class QuietTimes(BaseModel):
    """Local times of day: from inclusive, to exclusive; it may pass midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    from_: Annotated[str, Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    to: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class CustomerFile(DomainEvent, type="guanxi.customer_file.snapshot.v1", topic="customer.files", key="customer_id"):
    """What the customer is. `sealed` opens to {display_name, birth_date}."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    sealed: str


class CustomerAgreements(
    DomainEvent, type="guanxi.customer_agreements.snapshot.v1", topic="customer.agreements", key="customer_id"
):
    """What the customer has agreed to, may be offered and prefers."""

    customer_id: UUID
    consents: list[LatestConsent] = []
    preferred_channels: list[str] = []
    quiet_hours: QuietTimes | None = None
    contact_limits: OwnLimits | None = None
    risk_profile: AssessedRisk | None = None
    vulnerable_until: date | None = None


class CustomerClassification(
    DomainEvent, type="guanxi.customer_classification.snapshot.v1", topic="customer.classifications", key="customer_id"
):
    """The tier, and since which business date; `tier` None: the customer has none any more."""

    customer_id: UUID
    tier: str | None = None
    tier_since: date | None = None


class CustomerBook(DomainEvent, type="guanxi.customer_book.snapshot.v1", topic="customer.books", key="customer_id"):
    """Who looks after the customer, now and later."""

    customer_id: UUID
    assignments: list[AssignmentInterval]
