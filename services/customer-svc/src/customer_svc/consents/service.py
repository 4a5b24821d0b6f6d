"""Give and withdraw consent."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import FieldError, InvalidInput, Text
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.principal import SYSTEM_SCOPE, RowScope

from customer_svc.consents import policy, repository
from customer_svc.consents.errors import UnknownPurpose
from customer_svc.consents.events import ConsentChanged
from customer_svc.consents.policy import ConsentStandard
from customer_svc.consents.repository import Statement
from customer_svc.consents.schemas import ConsentGrant, ConsentWithdrawal
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.repository import Customer
from customer_svc.facets.policy import Facet


async def grant_consents(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    standard: ConsentStandard,
    calendar: BusinessCalendar,
    customer_id: UUID,
    grant: ConsentGrant,
    recorded_by: str,
    now: datetime,
) -> list[Statement]:
    """Keep a consent for each channel; returns what counts now. What was given before, to the same text, is no change.

    One that is older than what counts is kept and changes nothing. Raises `NotFound`, `UnknownPurpose`, `InvalidInput`.
    """
    customer = await _customer_to_change(uow, scope, standard, calendar, customer_id, grant, now)
    return await _keep(uow, keys, calendar, customer, grant.channels, grant, recorded_by, now, text_version=grant.text_version)


async def withdraw_consents(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    standard: ConsentStandard,
    calendar: BusinessCalendar,
    customer_id: UUID,
    withdrawal: ConsentWithdrawal,
    recorded_by: str,
    now: datetime,
) -> list[Statement]:
    """Keep a withdrawal for each channel; returns what counts now. One that is older than what counts is kept and changes nothing.

    Raises `NotFound`, `UnknownPurpose`, `InvalidInput`.
    """
    customer = await _customer_to_change(uow, scope, standard, calendar, customer_id, withdrawal, now)
    return await _keep(uow, keys, calendar, customer, withdrawal.channels, withdrawal, recorded_by, now, text_version=None)


async def _customer_to_change(
    uow: UnitOfWork,
    scope: RowScope,
    standard: ConsentStandard,
    calendar: BusinessCalendar,
    customer_id: UUID,
    told: ConsentGrant | ConsentWithdrawal,
    now: datetime,
) -> Customer:
    customer = await lock_customer(uow, scope, customer_id, now)
    if told.purpose not in standard.purposes:
        raise UnknownPurpose
    if told.agreed_on is not None and told.agreed_on > calendar.local_date(now):
        raise InvalidInput(errors=[FieldError("/agreed_on", "in_the_future", Text("The date lies ahead.", "日期晚于今天。"))])
    return customer


async def _keep(
    uow: UnitOfWork,
    keys: KeyStore,
    calendar: BusinessCalendar,
    customer: Customer,
    channels: Sequence[str] | None,
    told: ConsentGrant | ConsentWithdrawal,
    recorded_by: str,
    now: datetime,
    *,
    text_version: str | None,
) -> list[Statement]:
    """Every statement has a version of the file, its event and, with the last, the snapshot."""
    said, granted = await repository.read_said(uow, customer.id, told.purpose), text_version is not None
    since = policy.since_when(_day(calendar, told.agreed_on), now, granted=granted)
    news = [
        Statement(
            customer_id=customer.id,
            version=customer.version + place,
            purpose=told.purpose,
            channel=channel,
            granted=granted,
            since=since,
            method=told.method,
            text_version=text_version,
            recorded_by=recorded_by,
            data_origin=told.data_origin,
            agreed_on=told.agreed_on,
            recorded_at=now,
        )
        for place, channel in enumerate(policy.news(said, channels, granted=granted, text_version=text_version, since=since), 1)
    ]
    if news:
        await repository.insert_statements(uow, news)
        changes: list[DomainEvent] = [_changed(one, in_force=policy.is_in_force(said, one.channel, since)) for one in news]
        await tell_changes(uow, await keys.get(customer.id), customer, Facet.AGREEMENTS, changes, now)
    return await repository.read_consents(uow, SYSTEM_SCOPE, customer.id, now)


def _day(calendar: BusinessCalendar, day: date | None) -> tuple[datetime, datetime] | None:
    """The first moment of the day, and that of the next."""
    return (calendar.start_of_day(day), calendar.start_of_day(day + timedelta(days=1))) if day else None


def _changed(statement: Statement, *, in_force: bool) -> ConsentChanged:
    return ConsentChanged(
        customer_id=statement.customer_id,
        purpose=statement.purpose,
        channel=statement.channel,
        granted=statement.granted,
        since=statement.since,
        in_force=in_force,
    )
