"""Give and withdraw consent."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope

from customer_svc.consents import policy, repository
from customer_svc.consents.errors import UnknownPurpose
from customer_svc.consents.events import ConsentChanged
from customer_svc.consents.policy import ConsentStandard, Said
from customer_svc.consents.repository import Statement
from customer_svc.consents.schemas import ConsentGrant, ConsentWithdrawal
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.repository import Customer


async def grant_consents(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    standard: ConsentStandard,
    customer_id: UUID,
    grant: ConsentGrant,
    recorded_by: str,
    now: datetime,
) -> list[Statement]:
    """Keep a consent for each channel; returns what counts now. What was given before, to the same text, is no change.

    Raises `NotFound`, `UnknownPurpose`.
    """
    customer, said = await _what_was_said(uow, scope, standard, customer_id, grant.purpose, now)
    news = policy.newly_granted(said, grant.channels, grant.text_version)
    return await _keep(uow, keys, customer, news, grant, recorded_by, now, text_version=grant.text_version)


async def withdraw_consents(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    standard: ConsentStandard,
    customer_id: UUID,
    withdrawal: ConsentWithdrawal,
    recorded_by: str,
    now: datetime,
) -> list[Statement]:
    """Keep a withdrawal for each channel; returns what counts now. Raises `NotFound`, `UnknownPurpose`."""
    customer, said = await _what_was_said(uow, scope, standard, customer_id, withdrawal.purpose, now)
    news = policy.newly_withdrawn(said, withdrawal.channels)
    return await _keep(uow, keys, customer, news, withdrawal, recorded_by, now, text_version=None)


async def _what_was_said(
    uow: UnitOfWork, scope: RowScope, standard: ConsentStandard, customer_id: UUID, purpose: str, now: datetime
) -> tuple[Customer, list[Said]]:
    customer = await lock_customer(uow, scope, customer_id, now)
    if purpose not in standard.purposes:
        raise UnknownPurpose
    counting = await repository.read_consents(uow, scope, customer_id, now)
    return customer, [Said(s.channel, s.granted, s.text_version) for s in counting if s.purpose == purpose]


async def _keep(
    uow: UnitOfWork,
    keys: KeyStore,
    customer: Customer,
    channels: Sequence[str],
    told: ConsentGrant | ConsentWithdrawal,
    recorded_by: str,
    now: datetime,
    *,
    text_version: str | None,
) -> list[Statement]:
    """Every statement has a version of the file, its event and, with the last, the snapshot."""
    news = [
        Statement(
            customer_id=customer.id,
            version=customer.version + place,
            purpose=told.purpose,
            channel=channel,
            granted=text_version is not None,
            since=now,
            method=told.method,
            text_version=text_version,
            recorded_by=recorded_by,
            data_origin=told.data_origin,
        )
        for place, channel in enumerate(channels, 1)
    ]
    if news:
        await repository.insert_statements(uow, news)
        await tell_changes(uow, await keys.get(customer.id), customer, [_changed(one) for one in news], now)
    return await repository.read_consents(uow, SYSTEM_SCOPE, customer.id, now)


def _changed(statement: Statement) -> ConsentChanged:
    return ConsentChanged(
        customer_id=statement.customer_id,
        purpose=statement.purpose,
        channel=statement.channel,
        granted=statement.granted,
        since=statement.since,
    )
