"""What is told of a consent."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class ConsentChanged(DomainEvent, type="guanxi.consent.changed.v1", topic="customer.changes", key="customer_id"):
    """`since`: when the customer said it. `in_force`: nothing was said later; False for what was only kept."""

    customer_id: UUID
    purpose: str
    channel: str
    granted: bool
    since: datetime
    in_force: bool = True
