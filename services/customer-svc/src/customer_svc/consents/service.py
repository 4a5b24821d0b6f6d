"""Give and withdraw consent."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import FieldError, InvalidInput, Text
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.principal import SYSTEM_SCOPE
from guanxi_common.work import Work

from customer_svc.consents import policy, repository
from customer_svc.consents.errors import UnknownPurpose
from customer_svc.consents.events import ConsentChanged
from customer_svc.consents.policy import ConsentStandard
from customer_svc.consents.repository import Statement
from customer_svc.consents.schemas import ConsentGrant, ConsentWithdrawal
from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.repository import Customer
from customer_svc.facets.policy import Facet


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """The purposes in force, the calendar by which a day begins, and the customers' data keys."""

    standard: ConsentStandard
    calendar: BusinessCalendar
    keys: KeyStore


async def grant_consents(work: Work, rules: ConsentRules, customer_id: UUID, grant: ConsentGrant) -> list[Statement]:
    """Keep a consent for each channel; returns what counts now. What was given before, to the same text, is no change.

    One that is older than what counts is kept and changes nothing. Raises `NotFound`, `UnknownPurpose`, `InvalidInput`.
    """
    customer = await _customer_to_change(work, rules, customer_id, grant)
    return await _keep(work, rules, customer, grant)


async def withdraw_consents(work: Work, rules: ConsentRules, customer_id: UUID, withdrawal: ConsentWithdrawal) -> list[Statement]:
    """Keep a withdrawal for each channel; returns what counts now. One that is older than what counts is kept and changes nothing.

    Raises `NotFound`, `UnknownPurpose`, `InvalidInput`.
    """
    customer = await _customer_to_change(work, rules, customer_id, withdrawal)
    return await _keep(work, rules, customer, withdrawal)


async def _customer_to_change(
    work: Work, rules: ConsentRules, customer_id: UUID, statement: ConsentGrant | ConsentWithdrawal
) -> Customer:
    customer = await lock_customer(work, customer_id)
    if statement.purpose not in rules.standard.purposes:
        raise UnknownPurpose
    if statement.agreed_on is not None and statement.agreed_on > work.today:
        raise InvalidInput(errors=[FieldError("/agreed_on", "in_the_future", Text("The date lies ahead.", "日期晚于今天。"))])
    return customer


async def _keep(
    work: Work, rules: ConsentRules, customer: Customer, statement: ConsentGrant | ConsentWithdrawal
) -> list[Statement]:
    """Every statement has a version of the file, its event and, with the last, the snapshot."""
    text_version = statement.text_version if isinstance(statement, ConsentGrant) else None
    said, granted = await repository.read_said(work.uow, customer.id, statement.purpose), text_version is not None
    since = policy.since_when(_day(rules.calendar, statement.agreed_on), work.now, granted=granted)
    channels = policy.news(said, statement.channels, granted=granted, text_version=text_version, since=since)
    news = [
        Statement(
            customer_id=customer.id,
            version=customer.version + place,
            purpose=statement.purpose,
            channel=channel,
            granted=granted,
            since=since,
            method=statement.method,
            text_version=text_version,
            recorded_by=work.actor,
            data_origin=statement.data_origin,
            agreed_on=statement.agreed_on,
            recorded_at=work.now,
        )
        for place, channel in enumerate(channels, 1)
    ]
    if news:
        await repository.insert_statements(work.uow, news)
        changes: list[DomainEvent] = [_changed(one, in_force=policy.is_in_force(said, one.channel, since)) for one in news]
        await tell_changes(work, await rules.keys.get(customer.id), customer, Facet.AGREEMENTS, changes)
    return await repository.read_consents(work.uow, SYSTEM_SCOPE, customer.id, work.now)


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
