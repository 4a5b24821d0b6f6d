"""Facts about the customer file that the other services hear of; its state travels in the snapshot (`snapshots`)."""

from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class CustomerRegistered(DomainEvent, type="guanxi.customer.registered.v1", topic="customer.changes", key="customer_id"):
    customer_id: UUID
    customer_type: str
    outlet_id: UUID


class CustomerChanged(DomainEvent, type="guanxi.customer.changed.v1", topic="customer.changes", key="customer_id"):
    """`changed_fields` names the fields; the values stay in customer-svc and in the sealed snapshot."""

    customer_id: UUID
    changed_fields: list[str]
