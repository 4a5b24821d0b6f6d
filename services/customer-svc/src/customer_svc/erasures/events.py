"""A customer was erased. The snapshot's tombstone goes with it, and replicas act on that."""

from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class CustomerErased(DomainEvent, type="guanxi.customer.erased.v1", topic="customer.changes", key="customer_id"):
    """The last change of a file."""

    customer_id: UUID
