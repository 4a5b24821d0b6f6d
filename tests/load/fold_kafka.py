"""The same fold from a real Kafka, beside what a user would write for it: a FastStream handler with a transaction per message.

The handler does the same job: it keeps each posting once (its key is the dedupe), adds it to the day and acknowledges after the
commit. The limit is a bare aiokafka loop that reads in batches and decodes, and keeps nothing. Rates are taken from the first commit
to the last one, so that joining the group and sending are no part of them.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging.bus import Outgoing, TopicSpec
from guanxi_common.messaging.kafka import KafkaBus
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_contracts.topics import topic_specs
from guanxi_testing.kafka import LocalKafka
from pydantic import BaseModel
from scoring_svc.ledger.consumers import POSTED, fold_transactions
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.worker import READING
from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.load.fold import TOPIC, Counter, outgoing
from tests.load.measure import Row, Timed, row, take_turns
from tests.load.stand import Stand

EVENTS, SINGLE, PARTITIONS = 20_000, 500, 4
PEER_TOPIC, RAW_TOPIC = "peer.transactions", "raw.transactions"
FASTSTREAM = "FastStream handler, a transaction per message, same broker"
RAW = "aiokafka: read and decode, nothing kept"


class Base(DeclarativeBase):
    pass


class PeerEntry(Base):
    __tablename__ = "peer_entry"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    booked_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    code: Mapped[str]


class PeerDay(Base):
    __tablename__ = "peer_day"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    booked_on: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    entries: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)


class Money(BaseModel):
    amount: int
    currency: str


class Posted(BaseModel):
    transaction_id: UUID
    customer_id: UUID
    account_id: UUID
    booked_on: date
    money: Money
    code: str


async def measure(stand: Stand, folder: Path) -> list[Row]:
    broker = LocalKafka(folder / "kafka")
    await asyncio.to_thread(broker.start)
    try:
        bus = KafkaBus(broker.bootstrap_servers)
        peers = [TopicSpec(name, PARTITIONS) for name in (PEER_TOPIC, RAW_TOPIC)]
        await bus.ensure_topics([*topic_specs(test=True), *peers])
        database = Database(create_engine(stand.url("scoring")))
        async with faststream(stand.url("peer"), broker.bootstrap_servers) as (handled, _):
            figures = await take_turns(
                {
                    "ours": lambda: _ours(bus, database),
                    FASTSTREAM: lambda: _handled(bus, handled),
                    RAW: lambda: _raw(bus, broker.bootstrap_servers),
                },
                rounds=3,
            )
        await database.dispose()
    finally:
        await asyncio.to_thread(broker.stop)
    path = "Fold, Kafka → ledger and aggregates"
    return [row(path, figures, FASTSTREAM, "events/s", 10), row(path, figures, RAW, "events/s", None)]


async def _send(bus: KafkaBus, topic: str, number: int) -> None:
    producer = await bus.producer()
    sent = [Outgoing(topic, one.key, one.value, one.headers) for one in outgoing(number)]
    assert await producer.send(sent) == [None] * number
    await producer.close()


async def _ours(bus: KafkaBus, database: Database) -> Timed:
    await _send(bus, TOPIC, EVENTS)
    folded, stop = Counter(), asyncio.Event()
    folded.expect(EVENTS)
    handler = folded.counting(fold_transactions(load_activity_classes(), BusinessCalendar(), SystemClock()))
    subscription = Subscription(TOPIC, {POSTED: handler}, dedupe="handler", parsed_by="handler")
    running = asyncio.create_task(ConsumerRunner(database, bus, "scoring-svc", [subscription], settings=READING).run(stop))
    timed = await folded.timed()
    stop.set()
    await running
    return timed


@asynccontextmanager
async def faststream(url: str, servers: str) -> AsyncIterator[tuple[Counter, FastStream]]:
    """The peer's application, running; what it has handled is counted."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions, handled = async_sessionmaker(engine), Counter()
    kafka = KafkaBroker(servers, logger=None)

    @kafka.subscriber(PEER_TOPIC, group_id="peer", auto_offset_reset="earliest", ack_policy=AckPolicy.ACK)
    async def fold(event: Posted) -> None:
        entry = {"customer_id": event.customer_id, "booked_on": event.booked_on, "amount": event.money.amount,
                 "currency": event.money.currency, "code": event.code}  # fmt: skip
        async with sessions() as session:
            kept = insert(PeerEntry).values(transaction_id=event.transaction_id, **entry).on_conflict_do_nothing()
            if (await session.execute(kept.returning(PeerEntry.transaction_id))).first() is not None:
                day = insert(PeerDay).values(entries=1, **entry)
                added = {"entries": PeerDay.entries + 1, "amount": PeerDay.amount + day.excluded.amount}
                await session.execute(day.on_conflict_do_update(index_elements=PeerDay.__table__.primary_key, set_=added))
            await session.commit()
        handled.count(1)

    app = FastStream(kafka)
    await app.start()
    try:
        yield handled, app
    finally:
        await app.stop()
        await engine.dispose()


async def _handled(bus: KafkaBus, handled: Counter) -> Timed:
    handled.expect(SINGLE)
    await _send(bus, PEER_TOPIC, SINGLE)
    return await handled.timed()


async def _raw(bus: KafkaBus, servers: str) -> Timed:
    await _send(bus, RAW_TOPIC, EVENTS)
    consumer = AIOKafkaConsumer(RAW_TOPIC, bootstrap_servers=servers, group_id="raw", auto_offset_reset="earliest")
    await consumer.start()
    read, began = 0, None
    decode = msgspec.json.Decoder().decode
    try:
        while read < EVENTS:
            for batch in (await consumer.getmany(timeout_ms=500, max_records=5_000)).values():
                began = began or time.perf_counter()
                read += sum(decode(record.value)["money"]["currency"] == "CNY" for record in batch)
        await consumer.commit()
    finally:
        await consumer.stop()
    assert began is not None
    return Timed(read, time.perf_counter() - began)
