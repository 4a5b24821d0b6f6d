"""The same intake from Kafka: `bank.inbound.transactions`, one item of the batch operation a record, keyed by source and account."""

from collections.abc import Sequence
from datetime import datetime

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import WorkerParts
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from customer_svc.inbound.repository import InboundRejection, keep_rejections
from customer_svc.inbound.service import from_the_bus, read_items, record_intake
from customer_svc.transactions import service
from customer_svc.transactions.schemas import MAX_ITEMS, ItemError, TransactionItem


def take_in_transactions(parts: WorkerParts) -> Handler:
    """Make the handler of `bank.inbound.transactions`. An item that HTTP would reject is kept as a rejection and holds up nobody."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        work = parts.work(uow, "take-in-transactions")
        read, rejections = read_items(events, TransactionItem, work.now)
        items = [item for _, item in read]
        for start in range(0, len(items), MAX_ITEMS):
            result = await service.post_transactions(work, items[start : start + MAX_ITEMS])
            rejections += [
                _rejection(*read[start + outcome.index], outcome.error, work.now)
                for outcome in result.items
                if outcome.error is not None
            ]
        await keep_rejections(uow, rejections)
        await record_intake(uow, from_the_bus(events[0].topic), items, "transactions")

    return handle


def _rejection(event: Envelope, item: TransactionItem, error: ItemError, now: datetime) -> InboundRejection:
    return InboundRejection(
        event.id, event.topic, item.source, item.account_number, item.external_id, error.code, error.detail, now
    )
