"""One service's half of the event fabric on a real database: outbox, relay, consumers, and a table that records effects."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.ids import new_id
from guanxi_common.messaging.bus import Bus, Outgoing, Record, TopicPartition, TopicSpec
from guanxi_common.messaging.buses import open_bus
from guanxi_common.messaging.envelope import DomainEvent, Envelope
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, RunnerSettings, Subscription
from guanxi_common.messaging.tables import MESSAGING_TABLES
from guanxi_common.messaging.wakeup import WakeUp
from guanxi_contracts.topics import topic_specs

from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually

FACTS, CHANGES, SNAPSHOTS = "engagement.activities", "customer.changes", "customer.snapshots"
OPENED = "guanxi.task.opened.v1"
COMPLETED = "guanxi.task.completed.v1"
CHANGED = "guanxi.customer.changed.v1"
ASSIGNED = "guanxi.customer.assigned.v1"
SNAPSHOT = "guanxi.customer.snapshot.v1"
QUICK = RunnerSettings(max_records=500, poll_timeout=0.05, first_backoff=0.02, longest_backoff=0.2, release_interval=0.05)


class TaskOpened(DomainEvent, type=OPENED, topic=FACTS, key="customer_id"):
    customer_id: str
    n: int = 0


class CustomerChanged(DomainEvent, type=CHANGED, topic=CHANGES, key="customer_id"):
    customer_id: str
    n: int = 0


class CustomerSnapshot(DomainEvent, type=SNAPSHOT, topic=SNAPSHOTS, key="customer_id"):
    customer_id: str
    n: int = 0


EFFECT_TABLES = """
CREATE TABLE effect (place bigserial PRIMARY KEY, event_id uuid, topic text, key text, version bigint, n bigint);
CREATE TABLE customer (key text PRIMARY KEY, version bigint NOT NULL)
"""


async def record_effects(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """The effect of an event is one row, whether there is one already or not: a second application shows."""
    rows = [(e.id, e.topic, e.key, e.aggregate_version, (e.data or {}).get("n", -1)) for e in events]
    columns = ["event_id", "topic", "key", "version", "n"]
    await uow.driver.copy_records_to_table("effect", records=rows, columns=columns)


@dataclass
class Fabric:
    database: Database
    bus: Bus
    url: str
    group: str = field(default_factory=lambda: f"group-{uuid4().hex}")
    bus_url: str = ""
    shared: bool = False
    """The bus is every test's: only what names the group is the fabric's own."""

    def subscriptions(self, handler: Callable[..., Awaitable[None]] = record_effects) -> list[Subscription]:
        return [
            Subscription(FACTS, {OPENED: handler, COMPLETED: handler}),
            Subscription(CHANGES, {CHANGED: handler}),
            Subscription(SNAPSHOTS, {SNAPSHOT: handler}),
        ]

    def runner(self, handler: Callable[..., Awaitable[None]] = record_effects, **settings: Any) -> ConsumerRunner:
        chosen = RunnerSettings(**{**{name: getattr(QUICK, name) for name in QUICK.__slots__}, **settings})
        return ConsumerRunner(self.database, self.bus, self.group, self.subscriptions(handler), settings=chosen)

    def relay(self) -> Relay:
        return Relay(self.database, self.bus)

    async def send(self, *records: Outgoing) -> None:
        producer = await self.bus.producer()
        try:
            assert await producer.send(records) == [None] * len(records)
        finally:
            await producer.close()

    async def positions(self) -> dict[TopicPartition, int]:
        rows = await self.fetch("SELECT topic, partition, position FROM consumer_position WHERE consumer = $1", self.group)
        return {TopicPartition(row["topic"], row["partition"]): row["position"] for row in rows}

    async def set_positions(self, positions: Mapping[TopicPartition, int]) -> None:
        """As a restored database, or an operator, has them."""
        await self.execute("DELETE FROM consumer_position WHERE consumer = $1", self.group)
        for at, position in positions.items():
            statement = "INSERT INTO consumer_position (consumer, topic, partition, position) VALUES ($1, $2, $3, $4)"
            await self.execute(statement, self.group, at.topic, at.partition, position)

    async def effects(self, topic: str | None = None) -> list[Any]:
        return await self.fetch("SELECT * FROM effect WHERE $1::text IS NULL OR topic = $1 ORDER BY place", topic)

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.transaction(readonly=True) as uow:
            rows: list[Any] = await uow.driver.fetch(query, *arguments)
            return rows

    async def execute(self, query: str, *arguments: Any) -> str:
        async with self.database.transaction() as uow:
            status: str = await uow.driver.execute(query, *arguments)
            await uow.commit()
            return status


@asynccontextmanager
async def open_fabric(postgres: TestServer, *, pool_size: int = 12, kafka: str | None = None) -> AsyncIterator[Fabric]:
    """A fabric on the embedded bus, with databases of its own; or on a broker, whose topics it reads from where they end now."""
    template = await postgres.template("template_messaging", _build)
    async with postgres.database(template) as url, postgres.database() as bus_url:
        bus = await open_bus(kafka_bootstrap_servers=kafka, bus_database_url=bus_url)
        topics = [topic for topic in topic_specs(test=True) if kafka is None or topic.name in (FACTS, CHANGES, SNAPSHOTS)]
        await bus.ensure_topics(topics)
        wake_up = WakeUp(url)
        database = Database(create_engine(url, pool_size=pool_size), wake_relay=wake_up.notify)
        fabric = Fabric(database, bus, url, bus_url=bus_url, shared=kafka is not None)
        try:
            if kafka is not None:
                await _start_at_the_end(fabric, topics)
            yield fabric
        finally:
            await wake_up.close()
            await database.dispose()
            await bus.close()


async def _start_at_the_end(fabric: Fabric, topics: Sequence[TopicSpec]) -> None:
    consumer = await fabric.bus.consumer(group=f"ends-{fabric.group}", topics=[topic.name for topic in topics])
    partitions = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    ends = await consumer.end_offsets(partitions)
    await consumer.close()
    await fabric.set_positions(ends)


async def _build(url: str) -> None:
    engine = create_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=MESSAGING_TABLES))
        for statement in EFFECT_TABLES.split(";"):
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@asynccontextmanager
async def running(*parts: Relay | ConsumerRunner) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Run the parts and stop them in order at the end; what one raises is raised."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in parts]
    try:
        yield tasks
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def record(
    topic: str,
    key: str,
    type_: str,
    *,
    version: int | None = None,
    epoch: int | None = None,
    event_id: UUID | None = None,
    data: Mapping[str, Any] | bytes | None = None,
) -> Outgoing:
    """A record as it is on the wire, well-formed or not."""
    headers = [("ce_specversion", b"1.0"), ("ce_id", str(event_id or new_id()).encode()), ("ce_type", type_.encode())]
    headers += [("ce_source", b"/test"), ("content-type", b"application/json")]
    if version is not None:
        headers.append(("ce_aggregateversion", str(version).encode()))
    if epoch is not None:
        headers.append(("ce_epoch", str(epoch).encode()))
    value = data if isinstance(data, bytes) or data is None else json.dumps(data).encode()
    return Outgoing(topic, key.encode(), value, tuple(headers))


def fact(key: str, n: int = 0, **known: Any) -> Outgoing:
    return record(FACTS, key, OPENED, data={"customer_id": key, "n": n}, **known)


def change(key: str, version: int, type_: str = CHANGED, epoch: int | None = None) -> Outgoing:
    return record(CHANGES, key, type_, version=version, epoch=epoch, data={"customer_id": key, "n": version})


def facts(fabric: Fabric, numbers: Iterable[int]) -> list[Outgoing]:
    """One of each number, of keys that no other test has: a broker's topics are every test's."""
    return [fact(f"{fabric.group}-{n}", n) for n in numbers]


def in_effect(fabric: Fabric, numbers: Iterable[int]) -> Callable[[], Awaitable[bool]]:
    """Whether exactly the test's own facts of these numbers are applied, each once."""

    async def are() -> bool:
        rows = [row["n"] for row in await fabric.effects(FACTS) if row["key"].startswith(fabric.group)]
        return sorted(rows) == sorted(numbers)

    return are


async def applied(fabric: Fabric, count: int) -> bool:
    return len(await fabric.effects()) >= count


async def dead_letters(fabric: Fabric) -> list[Any]:
    """Those of the fabric's own records, oldest first."""
    own = fabric.group.encode() if fabric.shared else b""
    return await fabric.fetch("SELECT * FROM dead_letter WHERE position($1::bytea IN record) > 0 ORDER BY failed_at, id", own)


async def expect_dead_letters(fabric: Fabric, count: int) -> list[Any]:
    async def found() -> list[Any]:
        letters = await dead_letters(fabric)
        return letters if len(letters) >= count else []

    return await eventually(found)


async def reads_nothing_more(fabric: Fabric) -> None:
    """The group has committed all its offsets: a fresh member finds nothing."""

    async def done() -> bool:
        consumer = await fabric.bus.consumer(group=fabric.group, topics=[FACTS, CHANGES, SNAPSHOTS])
        try:
            return not await consumer.poll(max_records=1, timeout=0.3)
        finally:
            await consumer.close()

    await eventually(done, timeout=60)


async def read_all(fabric: Fabric, topics: Sequence[str]) -> list[Record]:
    """Everything that is in the topics now."""
    consumer = await fabric.bus.consumer(group=f"reader-{uuid4().hex}", topics=topics)
    try:
        found: list[Record] = []
        while polled := await consumer.poll(max_records=1_000, timeout=0.3):
            found.extend(record for batch in polled.values() for record in batch)
        return found
    finally:
        await consumer.close()


async def unpublished(fabric: Fabric) -> int:
    return int((await fabric.fetch("SELECT count(*) FROM outbox WHERE published_at IS NULL"))[0][0])


async def all_published(fabric: Fabric) -> bool:
    return await unpublished(fabric) == 0
