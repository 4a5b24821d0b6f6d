"""The fold: `bank.transactions` into ledger and aggregates, through the consumer runner on the embedded log."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.ids import new_id
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import ConsumerRunner, Handler, RunnerSettings, Subscription
from guanxi_contracts.codec import decode, encode
from guanxi_contracts.topics import topic_specs
from scoring_svc.ledger.consumers import POSTED, fold_transactions
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.worker import READING

from tests.load.measure import Row, Timed, row, take_turns
from tests.load.stand import Stand

EVENTS, SINGLE, CUSTOMERS = 20_000, 200, 2_000
TOPIC = "bank.transactions"
_customers = [new_id() for _ in range(CUSTOMERS)]


def outgoing(number: int) -> list[Outgoing]:
    """Postings of `CUSTOMERS` customers over a year."""
    clock, start = SystemClock(), date(2026, 1, 1)
    records = []
    for position in range(number):
        transaction, customer = uuid4(), _customers[position % CUSTOMERS]
        data = {
            "transaction_id": str(transaction),
            "customer_id": str(customer),
            "account_id": str(customer),
            "source": "core",
            "external_id": str(position),
            "booked_on": (start + timedelta(days=position % 300)).isoformat(),
            "money": {"amount": -position, "currency": "CNY"},
            "code": "card",
        }
        records.append(encode(Envelope(transaction, POSTED, TOPIC, str(customer), "/customer-svc", clock.now(), data)))
    return records


class Counter:
    """Tells how long so many events took to be folded, without asking the database: from the first commit to the last one."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._left = self._counted = 0
        self._began: float | None = None

    def expect(self, number: int) -> None:
        self._left, self._counted, self._began = number, 0, None
        self._reached.clear()

    def count(self, number: int) -> None:
        self._left -= number
        if self._began is None:
            self._began = time.perf_counter()
        else:
            self._counted += number
        if self._left <= 0:
            self._reached.set()

    async def timed(self) -> Timed:
        await self._reached.wait()
        assert self._began is not None
        return Timed(self._counted, time.perf_counter() - self._began)

    def counting(self, handler: Handler) -> Handler:
        async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
            async def count() -> None:
                self.count(len(events))

            await handler(uow, events)
            uow.after_commit(count)

        return handle


async def measure(stand: Stand) -> list[Row]:
    bus = await EmbeddedBus.open(stand.url("bus"))
    await bus.ensure_topics(topic_specs(test=True))
    database = Database(create_engine(stand.url("scoring")))
    classes, producer = load_activity_classes(), await bus.producer()
    fold, folded = fold_transactions(classes, BusinessCalendar(), SystemClock()), Counter()
    subscription = [Subscription(TOPIC, {POSTED: folded.counting(fold)}, dedupe="handler", parsed_by="handler")]

    async def consume(number: int, batch: int) -> Timed:
        await producer.send(outgoing(number))
        runner = ConsumerRunner(database, bus, "scoring-svc", subscription, settings=RunnerSettings(max_records=batch))
        stop = asyncio.Event()
        folded.expect(number)
        running = asyncio.create_task(runner.run(stop))
        timed = await folded.timed()
        stop.set()
        await running
        return timed

    async def ours() -> Timed:
        return await consume(EVENTS, READING.max_records)

    async def one_by_one() -> Timed:
        return await consume(SINGLE, 1)

    async def without_database() -> Timed:
        totals: dict[tuple[str, str], int] = {}
        records = outgoing(EVENTS)
        began = time.perf_counter()
        for position, sent in enumerate(records):
            data = decode(Record(TOPIC, 0, position, sent.key, sent.value, sent.headers, 0)).data or {}
            key = data["customer_id"], data["booked_on"]
            totals[key] = totals.get(key, 0) + data["money"]["amount"]
        return Timed(EVENTS, time.perf_counter() - began)

    figures = await take_turns(
        {"ours": ours, "a transaction per event": one_by_one, "decode and fold without database": without_database}, rounds=3
    )
    await producer.close()
    await bus.close()
    await database.dispose()
    return [
        row("Fold, embedded log → ledger and aggregates", figures, "a transaction per event", "events/s", 50),
        row("Fold, embedded log → ledger and aggregates", figures, "decode and fold without database", "events/s", None),
    ]
