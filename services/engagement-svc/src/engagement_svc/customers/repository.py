"""The customer replica."""

from datetime import datetime
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import select

from engagement_svc.customers.policy import Consent
from engagement_svc.customers.tables import CustomerRow

_customer = table_of(CustomerRow)


async def read_consents(uow: UnitOfWork, customer_id: UUID) -> list[Consent]:
    """What the customer has said, by purpose and channel."""
    told = await uow.driver.fetchval("SELECT consents FROM customer_agreements WHERE customer_id = $1", customer_id)
    return [Consent(one["purpose"], one["channel"], one["granted"]) for one in told or ()]


async def customer_is_visible(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> bool:
    """Whether the customer exists and the caller may work on it."""
    statement = select(_customer.c.customer_id).where(
        _customer.c.customer_id == customer_id, visible_customers(scope, _customer.c.customer_id, now)
    )
    return (await uow.execute(statement)).first() is not None
