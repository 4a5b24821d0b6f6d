"""What the other services hear of tiers."""

from datetime import date
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class CustomerTiered(DomainEvent, type="guanxi.customer.tiered.v1", topic="customer.changes", key="customer_id"):
    """`tier` None: the customer has none any more."""

    customer_id: UUID
    tier: str | None
    before: str | None
    effective_on: date
    standard_version: int
