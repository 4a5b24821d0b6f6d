"""The server is killed under load and started again: nothing acknowledged is lost, and both ends recover by themselves."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.messaging.bus import Bus, BusUnavailable, CommitFenced, Consumer, Outgoing, TopicSpec
from guanxi_common.messaging.buses import open_bus
from guanxi_testing.eventually import eventually
from guanxi_testing.kafka import LocalKafka

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]

TOPIC = "test.outage"
BEFORE, AFTER, BATCH = 20, 20, 25
RECOVERY_SECONDS = 60


@dataclass
class Server:
    """A server that a test may kill (as a crash would) and start again on the same address and data."""

    bus: Bus
    kill: Callable[[], None]
    start: Callable[[], None]


@contextlib.contextmanager
def own_postgres() -> "contextlib._GeneratorContextManager[EmbeddedPostgres]":
    folder = Path(tempfile.mkdtemp(prefix="guanxi-outage-"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = EmbeddedPostgres(folder, port=port, durable=True)
    server.start()
    try:
        server.create_database("guanxi_bus")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def server(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Server]:
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "embedded":
            postgres = stack.enter_context(own_postgres())
            bus = await open_bus(kafka_bootstrap_servers=None, bus_database_url=postgres.url("guanxi_bus"))

            def start() -> None:
                postgres.stop()
                postgres.start()

            server = Server(bus, lambda: os.kill(postgres.pid, signal.SIGKILL), start)
        else:
            broker: LocalKafka = request.getfixturevalue("own_kafka")
            bus = await open_bus(kafka_bootstrap_servers=broker.bootstrap_servers, bus_database_url=None)
            server = Server(bus, broker.kill, broker.start)
        stack.push_async_callback(bus.close)
        yield server


async def send_all(bus: Bus, batches: int, sent: set[bytes], at_half: asyncio.Event) -> None:
    """Send batches one after another, each again until it is acknowledged."""
    producer = await bus.producer()
    try:
        for number in range(batches):
            records = [Outgoing(TOPIC, b"key-%d" % i, uuid4().bytes) for i in range(BATCH)]
            while records:
                outcome = await producer.send(records)
                assert all(error is None or isinstance(error, BusUnavailable) for error in outcome)
                sent |= {record.value or b"" for record, error in zip(records, outcome, strict=True) if error is None}
                records = [record for record, error in zip(records, outcome, strict=True) if error is not None]
                await asyncio.sleep(0.1 if records else 0)
            if number == BEFORE:
                at_half.set()
    finally:
        await producer.close()


async def read_for_ever(consumer: Consumer, seen: set[bytes]) -> None:
    while True:
        with contextlib.suppress(BusUnavailable, CommitFenced):
            batch = await consumer.poll(max_records=100, timeout=0.2)
            seen |= {record.value or b"" for records in batch.values() for record in records}
            if batch:
                await consumer.commit({at: records[-1].offset + 1 for at, records in batch.items()})


async def test_a_server_killed_under_load_loses_nothing_and_all_recover(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Traps 1 and 4: unknown sends are repeated, a refused commit ends nothing."""
    sent: set[bytes] = set()
    seen: set[bytes] = set()
    at_half = asyncio.Event()

    async def all_seen() -> bool:
        return seen >= sent

    await server.bus.ensure_topics([TopicSpec(TOPIC, 4)])
    consumer = await server.bus.consumer(group="outage", topics=[TOPIC])
    reading = asyncio.create_task(read_for_ever(consumer, seen))
    sending = asyncio.create_task(send_all(server.bus, BEFORE + AFTER, sent, at_half))
    with caplog.at_level(logging.INFO, "aiokafka"):
        await at_half.wait()
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        started = time.monotonic()
        async with asyncio.timeout(RECOVERY_SECONDS):
            await sending
            await eventually(all_seen, timeout=RECOVERY_SECONDS)
    recovered = time.monotonic() - started
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    await consumer.close()
    assert len(sent) == (BEFORE + AFTER) * BATCH
    assert len([record for record in caplog.records if record.name.startswith("aiokafka")]) < 40
    print(f"recovered {recovered:.1f} s after the start; {len(seen) - len(sent)} more than acknowledged")  # noqa: T201  # pytest -s


async def test_while_the_server_is_away_sends_are_unknown_and_what_was_sent_before_is_there_afterwards(server: Server) -> None:
    """Trap 1: a time-out is `BusUnavailable`, never a rejection, also for a topic that the producer has not met before."""
    await server.bus.ensure_topics([TopicSpec(TOPIC, 4), TopicSpec("test.other", 1)])
    producer = await server.bus.producer()
    first, second = Outgoing(TOPIC, b"k", b"first"), Outgoing("test.other", b"k", b"second")
    assert await producer.send([first]) == [None]
    await asyncio.to_thread(server.kill)
    async with asyncio.timeout(RECOVERY_SECONDS):
        assert [type(error) for error in await producer.send([first, second])] == [BusUnavailable] * 2
    await asyncio.to_thread(server.start)

    async def sent_again() -> bool:
        return await producer.send([second]) == [None]

    await eventually(sent_again, timeout=RECOVERY_SECONDS)
    await producer.close()
    consumer = await server.bus.consumer(group="outage", topics=[TOPIC, "test.other"])
    seen: set[bytes] = set()
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not seen >= {b"first", b"second"}:
            batch = await consumer.poll(max_records=10, timeout=0.2)
            seen |= {record.value or b"" for records in batch.values() for record in records}
    await consumer.close()
