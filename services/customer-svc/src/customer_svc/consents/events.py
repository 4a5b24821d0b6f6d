"""What is told of a consent."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent

from customer_svc.channels import Channel


class ConsentChanged(DomainEvent, type="guanxi.consent.changed.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    purpose: str
    channel: Channel
    granted: bool
    since: datetime
