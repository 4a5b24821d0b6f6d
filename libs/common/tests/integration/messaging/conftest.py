"""The two back ends of the bus, and members of a group in processes of their own."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.messaging.bus import Bus, Consumer, Outgoing, Producer, Record, TopicSpec
from guanxi_common.messaging.buses import open_bus
from guanxi_testing.databases import TestServer
from guanxi_testing.fabric import Fabric, open_fabric

MEMBER = Path(__file__).with_name("bus_member.py")
DEADLINE = 30.0


@dataclass
class Bench:
    """A bus under test with a topic of four partitions, and what tests do with it again and again."""

    kind: str
    address: str
    bus: Bus
    topic: str = field(default_factory=lambda: f"test.{uuid4().hex}")
    group: str = field(default_factory=lambda: f"group-{uuid4().hex}")

    async def make_topic(self, partitions: int = 4, **settings: Any) -> str:
        name = f"test.{uuid4().hex}"
        await self.bus.ensure_topics([TopicSpec(name, partitions, **settings)])
        return name

    def records(self, count: int, *, keys: int = 20, start: int = 0) -> list[Outgoing]:
        return [Outgoing(self.topic, b"key-%d" % (i % keys), b"%d" % i) for i in range(start, start + count)]

    @contextlib.asynccontextmanager
    async def producer(self) -> AsyncIterator[Producer]:
        producer = await self.bus.producer()
        try:
            yield producer
        finally:
            await producer.close()

    @contextlib.asynccontextmanager
    async def consumer(self, group: str | None = None, topic: str | None = None, **listeners: Any) -> AsyncIterator[Consumer]:
        consumer = await self.bus.consumer(group=group or self.group, topics=[topic or self.topic], **listeners)
        try:
            yield consumer
        finally:
            await consumer.close()

    async def send(self, records: list[Outgoing]) -> None:
        async with self.producer() as producer:
            assert await producer.send(records) == [None] * len(records)


async def read(consumer: Consumer, count: int, *, max_records: int = 500, seconds: float = DEADLINE) -> list[Record]:
    """Poll until `count` records have come; fails after the deadline."""
    got: list[Record] = []
    async with asyncio.timeout(seconds):
        while len(got) < count:
            for records in (await consumer.poll(max_records=max_records, timeout=0.2)).values():
                got.extend(records)
    return got


@pytest.fixture
async def fabric(postgres: TestServer) -> AsyncIterator[Fabric]:
    async with open_fabric(postgres, pool_size=16) as fabric:
        yield fabric


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def either_fabric(request: pytest.FixtureRequest, postgres: TestServer, anyio_backend: str) -> AsyncIterator[Fabric]:
    """A fabric on each of the two buses."""
    kafka = request.getfixturevalue("kafka") if request.param == "kafka" else None
    async with open_fabric(postgres, pool_size=16, kafka=kafka) as fabric:
        yield fabric


@pytest.fixture(name="read")
def read_fixture() -> Callable[..., Awaitable[list[Record]]]:
    return read


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bench(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Bench]:
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "embedded":
            postgres: TestServer = request.getfixturevalue("postgres")
            address = await stack.enter_async_context(postgres.database())
            bus = await open_bus(kafka_bootstrap_servers=None, bus_database_url=address)
        else:
            address = request.getfixturevalue("kafka")
            bus = await open_bus(kafka_bootstrap_servers=address, bus_database_url=None)
        stack.push_async_callback(bus.close)
        bench = Bench(request.param, address, bus)
        await bus.ensure_topics([TopicSpec(bench.topic, 4)])
        yield bench


class Member:
    """A member in a process of its own; see `bus_member.py` for what it says and obeys."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hears(self, event: str, seconds: float = DEADLINE) -> dict[str, Any]:
        """The next saying of that kind; others are passed over."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            while line := await self.process.stdout.readline():
                said: dict[str, Any] = json.loads(line)
                if said["event"] == event:
                    return said
        raise AssertionError(f"the member ended before {event!r}")

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture
async def start_member(anyio_backend: str) -> AsyncIterator[Callable[[Bench], Awaitable[Member]]]:
    members: list[Member] = []

    async def start(bench: Bench) -> Member:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(MEMBER), bench.kind, bench.address, bench.group, bench.topic),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        members.append(Member(process))
        return members[-1]

    yield start
    for member in members:
        with contextlib.suppress(ProcessLookupError):
            member.signal(signal.SIGKILL)
        await member.process.communicate()
