"""The snapshot. Names travel sealed; of a vulnerability travels only when it is looked at again."""

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


class RiskProfileTold(_Part):
    """The assessment that counts, expired or not: who reads it compares `expires_on` with the day."""

    level: Annotated[int, Field(ge=1, le=5)]
    assessed_on: date
    expires_on: date


class ConsentTold(_Part):
    """What the customer last said of a purpose and channel."""

    purpose: str
    channel: str
    granted: bool
    since: datetime


class ContactLimitsTold(_Part):
    """At most `max_contacts` in `per_days` days."""

    max_contacts: Annotated[int, Field(ge=0, le=1000)]
    per_days: Annotated[int, Field(ge=1, le=366)]


class QuietHoursTold(BaseModel):
    """Local times of day: from inclusive, to exclusive; it may pass midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    from_: Annotated[str, Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    to: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class CustomerSnapshot(DomainEvent, type="guanxi.customer.snapshot.v1", topic="customer.snapshots", key="customer_id"):
    """The full state that the other services replicate. `sealed` opens to {display_name, birth_date}."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    assignments: list[AssignmentInterval]
    sealed: str
    risk_profile: RiskProfileTold | None = None
    consents: list[ConsentTold] = []
    contact_limits: ContactLimitsTold | None = None
    vulnerable_until: date | None = None
    preferred_channels: list[str] = []
    quiet_hours: QuietHoursTold | None = None
