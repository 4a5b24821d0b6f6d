"""The customer replica."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import FIRST_EPOCH
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import select

from engagement_svc.customers.policy import Consent
from engagement_svc.customers.tables import CustomerRow

_customer = table_of(CustomerRow)


@dataclass(frozen=True, slots=True)
class CustomerReplica:
    """What lists show; `name` and `birth_date` None where the customer's data key is gone."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    name: str | None
    birth_date: date | None
    version: int
    max_contacts: int | None = None
    contact_period_days: int | None = None
    consents: Sequence[Mapping[str, Any]] | None = None
    quiet_from: time | None = None
    quiet_to: time | None = None
    epoch: int = FIRST_EPOCH
    preferred_channels: Sequence[str] = ()


async def apply_customers(uow: UnitOfWork, customers: Sequence[CustomerReplica]) -> None:
    """Insert, or replace unless the replica is newer."""
    await uow.driver.executemany(
        "INSERT INTO customer AS kept (customer_id, customer_type, outlet_id, language, name, birth_date, version, max_contacts,"
        " contact_period_days, consents, quiet_from, quiet_to, epoch, preferred_channels)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14::jsonb)"
        " ON CONFLICT (customer_id) DO UPDATE SET customer_type = EXCLUDED.customer_type, outlet_id = EXCLUDED.outlet_id,"
        " language = EXCLUDED.language, name = EXCLUDED.name, birth_date = EXCLUDED.birth_date, version = EXCLUDED.version,"
        " max_contacts = EXCLUDED.max_contacts, contact_period_days = EXCLUDED.contact_period_days, consents = EXCLUDED.consents,"
        " quiet_from = EXCLUDED.quiet_from, quiet_to = EXCLUDED.quiet_to, epoch = EXCLUDED.epoch,"
        " preferred_channels = EXCLUDED.preferred_channels"
        " WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [
            (
                c.customer_id,
                c.customer_type,
                c.outlet_id,
                c.language,
                c.name,
                c.birth_date,
                c.version,
                c.max_contacts,
                c.contact_period_days,
                None if c.consents is None else json.dumps(list(c.consents)),
                c.quiet_from,
                c.quiet_to,
                c.epoch,
                json.dumps(list(c.preferred_channels)),
            )
            for c in customers
        ],
    )


async def read_consents(uow: UnitOfWork, customer_id: UUID) -> list[Consent]:
    """What the customer has said, by purpose and channel."""
    told = await uow.driver.fetchval("SELECT consents FROM customer WHERE customer_id = $1", customer_id)
    return [Consent(one["purpose"], one["channel"], one["granted"]) for one in told or ()]


async def customer_is_visible(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> bool:
    """Whether the customer exists and the caller may work on it."""
    statement = select(_customer.c.customer_id).where(
        _customer.c.customer_id == customer_id, visible_customers(scope, _customer.c.customer_id, now)
    )
    return (await uow.execute(statement)).first() is not None
