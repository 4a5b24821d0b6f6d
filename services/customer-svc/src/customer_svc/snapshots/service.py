"""Tell a change of a customer: each fact at a version of its own, and the snapshot of the last of them."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.keys.store import DataKey
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.fields import Place, seal_json
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope

from customer_svc.assignments import repository as books
from customer_svc.consents import repository as consents
from customer_svc.contact_preferences import repository as preferences
from customer_svc.contact_preferences.repository import ContactPreferences
from customer_svc.customers import repository as customers
from customer_svc.customers.repository import Customer
from customer_svc.risk_profiles import repository as risk_profiles
from customer_svc.snapshots.events import (
    AssignmentInterval,
    ConsentTold,
    ContactLimitsTold,
    CustomerSnapshot,
    QuietHoursTold,
    RiskProfileTold,
)
from customer_svc.tiers import repository as tiers
from customer_svc.vulnerabilities import repository as vulnerabilities


async def lock_customer(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> Customer:
    """The file, its row locked until the transaction ends. Raises `NotFound`, also for one out of scope."""
    found = await customers.read_customer(uow, scope, customer_id, now, lock=True)
    if found is None:
        raise NotFound
    return found[0]


async def tell_changes(uow: UnitOfWork, key: DataKey, customer: Customer, changes: list[DomainEvent], now: datetime) -> Customer:
    """Count and tell changes that touch none of the file's own columns; `customer` is the file as it was locked.

    Returns the file as it now is. No change tells nothing.
    """
    if not changes:
        return customer
    await customers.bump_version(uow, customer.id, now, by=len(changes))
    changed = replace(customer, version=customer.version + len(changes), updated_at=now)
    await tell(uow, key, changed, *changes, now=now)
    return changed


async def tell(uow: UnitOfWork, key: DataKey, customer: Customer, *changes: DomainEvent, now: datetime) -> None:
    """Append the changes, the last at the file's version and those before it at the ones before, and the snapshot.

    Everything that the snapshot tells is stored already, and the customer's row is locked by this transaction.
    """
    for version, change in enumerate(changes[:-1], customer.version - len(changes) + 1):
        await outbox.append(uow, change, version=version)
    await outbox.append(uow, changes[-1], await _snapshot(uow, key, customer, now), version=customer.version)


async def _snapshot(uow: UnitOfWork, key: DataKey, customer: Customer, now: datetime) -> CustomerSnapshot:
    """The whole state, whoever asks: in scope is what the caller has locked."""
    book = await books.read_book(uow, SYSTEM_SCOPE, customer.id, now)
    said = await consents.read_consents(uow, SYSTEM_SCOPE, customer.id, now)
    agreed = await preferences.read_preferences(uow, SYSTEM_SCOPE, customer.id, now)
    profile = await risk_profiles.read_latest(uow, SYSTEM_SCOPE, customer.id, now)
    tier = await tiers.read_state(uow, SYSTEM_SCOPE, customer.id, now)
    birth_date = customer.birth_date.isoformat() if customer.birth_date else None
    return CustomerSnapshot(
        customer_id=customer.id,
        customer_type=customer.customer_type,
        outlet_id=customer.outlet_id,
        language=customer.language,
        tier=tier.tier if tier else None,
        assignments=[
            AssignmentInterval(
                capacity=i.capacity, staff_id=i.staff_id, outlet_id=i.outlet_id, valid_from=i.valid_from, valid_to=i.valid_to
            )
            for i in book
        ],
        sealed=seal_json(
            {"display_name": customer.name, "birth_date": birth_date}, key, Place("customer.snapshots", "sealed", customer.id)
        ),
        risk_profile=(
            RiskProfileTold(level=profile.level, assessed_on=profile.assessed_on, expires_on=profile.expires_on)
            if profile
            else None
        ),
        consents=[ConsentTold(purpose=s.purpose, channel=s.channel, granted=s.granted, since=s.since) for s in said],
        contact_limits=_limits(agreed),
        vulnerable_until=await vulnerabilities.vulnerable_until(uow, SYSTEM_SCOPE, customer.id, now),
        preferred_channels=list(agreed.preferred_channels),
        quiet_hours=(
            QuietHoursTold(from_=agreed.quiet_from, to=agreed.quiet_to) if agreed.quiet_from and agreed.quiet_to else None
        ),
    )


def _limits(agreed: ContactPreferences) -> ContactLimitsTold | None:
    if agreed.max_contacts is None or agreed.per_days is None:
        return None
    return ContactLimitsTold(max_contacts=agreed.max_contacts, per_days=agreed.per_days)
