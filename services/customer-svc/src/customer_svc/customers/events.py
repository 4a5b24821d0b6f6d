"""Facts about the customer file that the other services hear of. Names travel sealed."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from pydantic import BaseModel, ConfigDict


class CustomerRegistered(DomainEvent, type="guanxi.customer.registered.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    customer_type: str
    outlet_id: UUID


class CustomerChanged(DomainEvent, type="guanxi.customer.changed.v1", topic="customer.changes", key="customer_id"):
    """`changed_fields` names the fields; the values stay in customer-svc and in the sealed snapshot."""

    customer_id: UUID
    changed_fields: list[str]


class CustomerAssigned(DomainEvent, type="guanxi.customer.assigned.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    outlet_id: UUID
    primary_rm_id: UUID | None
    assistant_id: UUID | None
    effective_at: datetime


class AssignmentInterval(BaseModel):
    """One row of the book: `staff_id` None means that the outlet's lead is responsible; `valid_to` None means open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capacity: Literal["primary_rm", "assistant"]
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None


class CustomerSnapshot(DomainEvent, type="guanxi.customer.snapshot.v1", topic="customer.snapshots", key="customer_id"):
    """The full state that the other services replicate. `sealed` opens to {display_name, birth_date}."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    assignments: list[AssignmentInterval]
    sealed: str
