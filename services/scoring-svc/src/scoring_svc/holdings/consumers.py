"""`bank.accounts`: openings, closings, re-openings and reported balances."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler
from guanxi_common.money import POSTING_LIMIT

from scoring_svc.holdings import repository
from scoring_svc.holdings.repository import HoldingChange
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.repository import Report
from scoring_svc.queues import planning

ACCOUNT_OPENED = "guanxi.account.opened.v1"
ACCOUNT_CLOSED = "guanxi.account.closed.v1"
ACCOUNT_REOPENED = "guanxi.account.reopened.v1"
BALANCE_REPORTED = "guanxi.account.balance_reported.v1"
TYPES = (ACCOUNT_OPENED, ACCOUNT_CLOSED, ACCOUNT_REOPENED, BALANCE_REPORTED)


class _Money(msgspec.Struct):
    amount: int
    currency: str


class _Account(msgspec.Struct):
    """What holdings read of the four types."""

    customer_id: UUID
    account_id: UUID
    product_code: str | None = None
    currency: str | None = None
    opened_on: date | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    as_of: date | None = None
    money: _Money | None = None
    revision: int = 0


def take_up_accounts(clock: Clock) -> Handler:
    """Make the handler of `TYPES`."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        changes, now = [_change(event) for event in events], clock.now()
        await repository.apply_changes(uow, changes, now)
        reports = [report for event, change in zip(events, changes, strict=True) if (report := _report(event, change))]
        await ledger.add_reports(uow, reports, now)
        if not uow.replaying:
            await planning.mark(uow, [change.customer_id for change in changes], now)

    return handle


def _change(event: Envelope) -> HoldingChange:
    try:
        told = msgspec.convert(event.data, _Account)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error
    if told.money is not None and abs(told.money.amount) > POSTING_LIMIT:
        raise PermanentError("amount_out_of_range", event.type, event_id=event.id)
    return HoldingChange(
        customer_id=told.customer_id,
        account_id=told.account_id,
        product_code=told.product_code,
        currency=told.money.currency if told.money else told.currency,
        opened_on=told.opened_on,
        matures_on=told.matures_on,
        closed_on=told.closed_on,
        balance_minor=told.money.amount if told.money else None,
        balance_as_of=told.as_of if told.money else None,
        opening_revision=told.revision if event.type == ACCOUNT_OPENED else None,
        status_revision=told.revision if event.type in (ACCOUNT_CLOSED, ACCOUNT_REOPENED) else None,
        balance_revision=told.revision if told.money else None,
    )


def _report(event: Envelope, change: HoldingChange) -> Report | None:
    if change.balance_minor is None or change.balance_as_of is None or change.currency is None:
        return None
    return Report(
        change.customer_id,
        change.account_id,
        change.balance_as_of,
        change.balance_minor,
        change.currency,
        event.traceparent,
        change.balance_revision or 0,
    )
