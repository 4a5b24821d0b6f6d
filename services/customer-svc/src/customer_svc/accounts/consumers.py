"""The same intake from Kafka: `bank.inbound.accounts`."""

from collections.abc import Sequence
from datetime import datetime

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import WorkerParts
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from customer_svc.accounts import service
from customer_svc.accounts.policy import REPORTED_AT_MISSING
from customer_svc.accounts.schemas import AccountItem
from customer_svc.inbound.repository import InboundRejection, keep_rejections
from customer_svc.inbound.service import from_the_bus, read_items, record_intake
from customer_svc.transactions.schemas import ItemError


def take_in_accounts(parts: WorkerParts) -> Handler:
    """Make the handler of `bank.inbound.accounts`. An item that HTTP would reject is kept as a rejection and holds up nobody.

    So is one without `reported_at`: a record may be read again much later, and its time of receipt says nothing.
    """

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        work = parts.work(uow, "take-in-accounts")
        read, rejections = read_items(events, AccountItem, work.now)
        timed = [(event, item) for event, item in read if item.reported_at is not None]
        missing = ItemError(REPORTED_AT_MISSING.code, REPORTED_AT_MISSING.detail.en)
        rejections += [_rejection(event, item, missing, work.now) for event, item in read if item.reported_at is None]
        result = await service.report_accounts(work, [item for _, item in timed])
        rejections += [
            _rejection(*timed[outcome.index], outcome.error, work.now) for outcome in result.items if outcome.error is not None
        ]
        items = [item for _, item in read]
        await keep_rejections(uow, rejections)
        await record_intake(uow, from_the_bus(events[0].topic), items, "accounts")

    return handle


def _rejection(event: Envelope, item: AccountItem, error: ItemError, now: datetime) -> InboundRejection:
    return InboundRejection(event.id, event.topic, item.source, item.account_number, None, error.code, error.detail, now)
