"""What is told of a consent."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ConsentChanged(DomainEvent, type="guanxi.consent.changed.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    purpose: str
    channel: str
    granted: bool
    since: datetime
