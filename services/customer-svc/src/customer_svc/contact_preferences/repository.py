"""The table of contact preferences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from customer_svc.contact_preferences.tables import ContactPreferencesRow

_preferences = table_of(ContactPreferencesRow)


@dataclass(frozen=True, slots=True)
class ContactPreferences:
    """See `ContactPreferencesRow`; version 0 is a customer who has agreed on nothing yet."""

    customer_id: UUID
    version: int = 0
    preferred_channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    quiet_from: str | None = None
    quiet_to: str | None = None
    max_contacts: int | None = None
    per_days: int | None = None
    agreed: Mapping[str, Any] = field(default_factory=dict)


async def read_preferences(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> ContactPreferences:
    """What the customer agreed on; nothing where that is so, or the customer is out of scope."""
    statement = select(_preferences).where(
        _preferences.c.customer_id == customer_id, visible_customers(scope, _preferences.c.customer_id, now)
    )
    row = (await uow.execute(statement)).mappings().first()
    if row is None:
        return ContactPreferences(customer_id)
    lists = {name: tuple(row[name]) for name in ("preferred_channels", "topics")}
    return read_as(ContactPreferences, {**row, **lists})


async def store_preferences(uow: UnitOfWork, preferences: ContactPreferences) -> None:
    """Insert or replace; the transaction holds the customer's row locked."""
    values = values_of(preferences)
    values |= {"preferred_channels": list(preferences.preferred_channels), "topics": list(preferences.topics)}
    statement = insert(_preferences).values(values)
    changed = {name: statement.excluded[name] for name in values if name != "customer_id"}
    await uow.execute(statement.on_conflict_do_update(index_elements=["customer_id"], set_=changed))
