"""What is told of break-glass."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class AccessGranted(DomainEvent, type="guanxi.customer.access_granted.v1", topic="customer.changes", key="customer_id"):
    """A member of staff reads the customer's file beyond their own rows, until then."""

    customer_id: UUID
    grant_id: UUID
    staff_id: UUID
    ends_at: datetime


class AccessReviewed(DomainEvent, type="guanxi.customer.access_reviewed.v1", topic="customer.changes", key="customer_id"):
    """Somebody else has looked whether the access was justified."""

    customer_id: UUID
    grant_id: UUID
    verdict: str
