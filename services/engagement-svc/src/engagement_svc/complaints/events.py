"""Facts about complaints. What was said stays in engagement-svc."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ComplaintOpened(DomainEvent, type="guanxi.complaint.opened.v1", topic="engagement.activities", key="customer_id"):
    complaint_id: UUID
    customer_id: UUID
    category: str
    severity: str
    opened_on: date


class ComplaintAcknowledged(
    DomainEvent, type="guanxi.complaint.acknowledged.v1", topic="engagement.activities", key="customer_id"
):
    """The customer has heard that it was received."""

    complaint_id: UUID
    customer_id: UUID
    acknowledged_on: date


class ComplaintResolved(DomainEvent, type="guanxi.complaint.resolved.v1", topic="engagement.activities", key="customer_id"):
    complaint_id: UUID
    customer_id: UUID
    resolved_on: date
    outcome: str
