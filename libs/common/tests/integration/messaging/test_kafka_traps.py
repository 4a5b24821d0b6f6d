"""Traps of aiokafka on a real broker (docs: reliability), each with the rule that avoids it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from guanxi_common.messaging.bus import BusUnavailable, CommitFenced, Outgoing, Record, RecordRejected, TopicPartition
from guanxi_common.messaging.kafka import KafkaBus, KafkaTimes
from guanxi_testing.eventually import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.kafka, pytest.mark.parametrize("bench", ["kafka"], indirect=True)]

Read = Callable[..., Awaitable[list[Record]]]


@pytest.fixture
async def small_topic(bench: Any) -> AsyncIterator[str]:
    """A topic whose broker refuses batches over 20,000 bytes, which the client does not know."""
    name = f"test.{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.address)
    await admin.start()
    settings = {"max.message.bytes": "20000"}
    await admin.create_topics([NewTopic(name, 1, -1, replica_assignments={}, topic_configs=settings)])
    yield name
    await admin.close()


async def test_the_producer_is_replaced_after_the_broker_refused_a_batch(bench: Any, small_topic: str, read: Read) -> None:
    """Trap 2: the refused batch has used up its sequence number, so the same producer's next batches are at risk."""
    bus = KafkaBus(bench.address)
    producer = await bus.producer()
    consumer = await bus.consumer(group=uuid4().hex, topics=[small_topic])
    good, refused = Outgoing(small_topic, b"a", b"good"), Outgoing(small_topic, b"a", bytes(50_000))
    assert await producer.send([good]) == [None]
    used = producer._inner
    before, at, behind = await producer.send([good, refused, good])
    assert before is None
    assert isinstance(at, RecordRejected)
    assert behind is None or isinstance(behind, BusUnavailable)
    assert await producer.send([good]) == [None]
    assert producer._inner is not used
    assert len(await read(consumer, 3)) >= 3
    await producer.close()
    await consumer.close()


async def test_a_send_that_is_not_acknowledged_in_time_is_unknown_and_the_producer_is_given_up(
    bench: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 1: what we gave up waiting for may be there once or more; the producer that may still deliver it is ended."""
    bus = KafkaBus(bench.address, times=KafkaTimes(delivery=0.5, request=2))
    producer = await bus.producer()
    inner = producer._inner
    assert inner is not None
    monkeypatch.setattr(inner._message_accumulator, "drain_by_nodes", lambda **_: ({}, False))
    [error] = await producer.send([Outgoing(bench.topic, b"k", b"v")])
    assert isinstance(error, BusUnavailable)
    assert producer._inner is None
    assert inner._sender.sender_task.done()
    assert await producer.send([Outgoing(bench.topic, b"k", b"v")]) == [None]
    async with bench.consumer() as consumer:
        assert {record.value for record in await read(consumer, 1)} == {b"v"}
    await producer.close()


async def test_a_fetcher_that_stops_silently_is_noticed_and_the_consumer_restarted(bench: Any, read: Read) -> None:
    """Trap 7: no error, no records, though there are some."""
    consumer = await KafkaBus(bench.address, times=KafkaTimes(stall=1.0)).consumer(group=bench.group, topics=[bench.topic])
    await bench.send(bench.records(10))
    got = await read(consumer, 10)
    await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1 for record in got})
    assert consumer._inner is not None
    fetcher = consumer._inner._fetcher
    fetcher._fetch_task.cancel()
    await asyncio.gather(*fetcher._pending_tasks)
    await bench.send(bench.records(10, start=10))
    assert len(await read(consumer, 10)) == 10
    await consumer.close()


async def test_an_idle_or_paused_consumer_is_not_restarted(bench: Any, read: Read) -> None:
    consumer = await KafkaBus(bench.address, times=KafkaTimes(stall=0.2)).consumer(group=bench.group, topics=[bench.topic])
    await bench.send(bench.records(10, keys=1))
    got = await read(consumer, 5, max_records=5)
    consumer.pause([TopicPartition(bench.topic, got[0].partition)])
    inner = consumer._inner
    for _ in range(10):
        assert await consumer.poll(max_records=10, timeout=0.1) == {}
    assert consumer._inner is inner
    await consumer.close()


async def test_a_commit_refused_by_the_broker_ends_nothing(bench: Any, read: Read) -> None:
    """Trap 4: the broker has forgotten the member (`UnknownMemberId`), and later the partition is not assigned."""
    consumer = await KafkaBus(bench.address).consumer(group=bench.group, topics=[bench.topic])
    await bench.send(bench.records(10))
    got = await read(consumer, 10)
    offsets = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in got}
    assert consumer._inner is not None
    consumer._inner._coordinator.member_id = "forgotten"
    with pytest.raises(CommitFenced):
        await consumer.commit(offsets)
    with pytest.raises(CommitFenced):
        await consumer.commit({TopicPartition("another", 0): 1})

    async def reads_again() -> bool:
        return bool(await consumer.poll(max_records=10, timeout=0.2))

    await eventually(reads_again, timeout=30)
    await consumer.close()
