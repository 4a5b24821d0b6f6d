"""Facts about who looks after a customer; the book itself travels in the snapshot (`snapshots`)."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class CustomerAssigned(DomainEvent, type="guanxi.customer.assigned.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    outlet_id: UUID
    primary_rm_id: UUID | None
    assistant_id: UUID | None
    effective_at: datetime


class CustomerTransferCancelled(
    DomainEvent, type="guanxi.customer.transfer_cancelled.v1", topic="customer.changes", key="customer_id"
):
    """The transfer that would have given the customer to `primary_rm_id` at `effective_at` does not happen."""

    customer_id: UUID
    primary_rm_id: UUID | None
    effective_at: datetime
