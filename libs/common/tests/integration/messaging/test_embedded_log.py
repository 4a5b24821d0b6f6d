"""What only the embedded log has: its schema, its leases with their epochs, its jobs, and a database that tells no half-truths."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from guanxi_common.messaging.bus import BusError, BusUnavailable, CommitFenced, Outgoing, Record, TopicPartition, TopicSpec
from guanxi_common.messaging.embedded import EmbeddedBus, ReadingTimes
from guanxi_common.messaging.embedded.producer import EmbeddedProducer
from guanxi_testing.eventually import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("bench", ["embedded"], indirect=True)]

Read = Callable[..., Awaitable[list[Record]]]
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND"
QUICK = ReadingTimes(lease=0.6, fallback_poll=0.1)


@pytest.fixture
async def quick(bench: Any) -> AsyncIterator[EmbeddedBus]:
    """A second process's view of the same log, with short leases."""
    bus = await EmbeddedBus.open(bench.address, times=QUICK)
    yield bus
    await bus.close()


@pytest.fixture
async def database(bench: Any) -> "AsyncIterator[asyncpg.Connection]":
    connection = await asyncpg.connect(bench.address)
    yield connection
    await connection.close()


async def test_many_may_install_the_schema_at_once(bench: Any, empty_database: str) -> None:
    buses = await asyncio.gather(*(EmbeddedBus.open(empty_database) for _ in range(5)))
    for bus in buses:
        await bus.close()


async def test_a_schema_of_another_version_is_refused(bench: Any, database: Any) -> None:
    await database.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(BusError, match="version 99"):
        await EmbeddedBus.open(bench.address)


async def test_a_server_that_is_not_there_is_unavailable(bench: Any) -> None:
    with pytest.raises(BusUnavailable):
        await EmbeddedBus.open("postgresql://guanxi@127.0.0.1:1/guanxi_bus")


async def test_parallel_batches_over_all_partitions_neither_deadlock_nor_leave_gaps(bench: Any, read: Read) -> None:
    """A reader that follows sees every offset: none becomes visible behind it."""

    async def send(number: int) -> None:
        async with bench.producer() as producer:
            for _ in range(10):
                assert set(await producer.send(bench.records(40, start=number * 1000))) == {None}

    async with bench.consumer() as consumer:
        sending = asyncio.gather(*(send(number) for number in range(6)))
        got = await read(consumer, 6 * 10 * 40, max_records=100)
        await sending
    for partition in range(4):
        offsets = [record.offset for record in got if record.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_a_batch_is_there_wholly_or_not_at_all(bench: Any, database: Any) -> None:
    await database.execute("ALTER TABLE record ADD CONSTRAINT no_poison CHECK (value <> 'poison'::bytea)")
    async with bench.producer() as producer:
        with pytest.raises(asyncpg.CheckViolationError):
            await producer.send([*bench.records(20), Outgoing(bench.topic, b"k", b"poison")])
        assert await database.fetchval("SELECT count(*) FROM record") == 0
        assert await producer.send(bench.records(20)) == [None] * 20
    assert await database.fetchval("SELECT sum(next_offset) FROM log") == 20


async def test_a_connection_that_is_cut_makes_a_send_unknown_and_the_next_one_works(bench: Any, database: Any) -> None:
    blocker = await asyncpg.connect(bench.address)
    async with bench.producer() as producer, blocker.transaction():
        await blocker.execute("SELECT 1 FROM log FOR UPDATE")
        sending = asyncio.create_task(producer.send(bench.records(1)))

        async def cut() -> bool:
            return bool(await database.fetchval(f"{CUT} wait_event_type = 'Lock'"))

        await eventually(cut)
        assert [type(error) for error in await sending] == [BusUnavailable]
    await blocker.close()
    await bench.send(bench.records(1))


async def test_a_member_that_stops_beating_is_expelled_and_fenced(bench: Any, quick: EmbeddedBus, read: Read) -> None:
    silent = await quick.consumer(group=bench.group, topics=[bench.topic])
    await bench.send(bench.records(40))
    got = await read(silent, 40)
    silent._heartbeat.cancel()
    other = await quick.consumer(group=bench.group, topics=[bench.topic])
    assert len(await read(other, 40)) == 40
    at = TopicPartition(bench.topic, got[0].partition)
    with pytest.raises(CommitFenced):
        await silent.commit({at: 1})
    await silent.poll(max_records=1, timeout=0.1)
    await other.poll(max_records=1, timeout=0.1)
    await silent.poll(max_records=1, timeout=0.1)
    assert len(silent.assignment()) == 2, "it joined again"
    for consumer in (silent, other):
        await consumer.close()


async def test_a_live_member_that_does_not_poll_loses_its_lease(bench: Any, read: Read) -> None:
    """A reader stuck in a handler must not keep its partitions for ever."""
    bus = await EmbeddedBus.open(bench.address, times=ReadingTimes(lease=0.4, max_poll_interval=0.4, fallback_poll=0.1))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        await bench.send(bench.records(10))
        stuck = await bus.consumer(group=bench.group, topics=[bench.topic])
        stack.push_async_callback(stuck.close)
        await read(stuck, 10)
        other = await bus.consumer(group=bench.group, topics=[bench.topic])
        stack.push_async_callback(other.close)
        assert len(await read(other, 10)) == 10


async def test_a_partition_lost_and_got_back_is_fenced_for_what_was_read_before(
    bench: Any, quick: EmbeddedBus, database: Any
) -> None:
    consumer = await quick.consumer(group=bench.group, topics=[bench.topic])
    await database.execute("UPDATE lease SET epoch = epoch + 1")
    with pytest.raises(CommitFenced):
        await consumer.commit({TopicPartition(bench.topic, 0): 1})
    await consumer.poll(max_records=1, timeout=0.1)
    await consumer.commit({TopicPartition(bench.topic, 0): 1})
    await consumer.close()


async def test_a_full_partition_does_not_starve_the_others(bench: Any, read: Read) -> None:
    await bench.send(bench.records(400, keys=1))
    await bench.send(bench.records(40, keys=20))
    async with bench.consumer() as consumer:
        first = await read(consumer, 120, max_records=30)
    assert {record.partition for record in first} == {0, 1, 2, 3}


async def test_without_a_wake_up_the_poll_still_finds_the_record(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.bus._wakeups, "announce", lambda _signs: None)
    async with bench.consumer() as consumer:
        polling = asyncio.create_task(consumer.poll(max_records=1, timeout=10))
        await bench.send(bench.records(1))
        started = time.monotonic()
        assert await polling
        assert time.monotonic() - started < 2


async def test_listening_is_taken_up_again_when_its_connection_is_cut(bench: Any, database: Any) -> None:
    async with bench.consumer():

        async def listening() -> bool:
            return bench.bus._wakeups.listening

        async def not_listening() -> bool:
            return not bench.bus._wakeups.listening

        await eventually(listening)
        assert await database.fetchval(f"{CUT} query LIKE 'LISTEN%'") == 1
        await eventually(not_listening)
        await eventually(listening)


async def test_retention_deletes_what_is_older_and_readers_go_on_behind_it(bench: Any, database: Any, read: Read) -> None:
    topic = await bench.make_topic(1, retention_ms=3_600_000)
    await bench.send([Outgoing(topic, b"k", b"%d" % i) for i in range(10)])
    await database.execute("UPDATE record SET timestamp_ms = timestamp_ms - 7200000 WHERE record_offset < 6")
    assert await bench.bus.maintain() == 6
    async with bench.consumer(topic=topic) as consumer:
        assert [record.offset for record in await read(consumer, 4)] == [6, 7, 8, 9]
    await bench.send([Outgoing(topic, b"k", b"10")])
    assert await database.fetchval("SELECT max(record_offset) FROM record") == 10


@pytest.mark.parametrize("position", [2, 5], ids=["before-the-gap", "inside"])
async def test_a_gap_at_the_end_of_a_partition_is_passed_over(bench: Any, database: Any, position: int) -> None:
    """Such a partition has no lag, or its reader would count as stalled for ever."""
    topic = await bench.make_topic(1)
    await bench.send([Outgoing(topic, b"k", b"%d" % i) for i in range(8)])
    await database.execute("DELETE FROM record WHERE record_offset >= $1", 2)
    at = TopicPartition(topic, 0)
    async with bench.consumer(topic=topic) as consumer:
        await consumer.poll(max_records=10, timeout=1)
        await consumer.seek(at, position)

        async def at_the_end() -> bool:
            await consumer.poll(max_records=10, timeout=0.1)
            return bool(await consumer.position(at) == 8)

        await eventually(at_the_end)
        assert await consumer.end_offsets([at]) == {at: 8}
        await bench.send([Outgoing(topic, b"k", b"8")])
        [record] = (await consumer.poll(max_records=10, timeout=10))[at]
    assert (record.offset, record.value) == (8, b"8")


async def test_a_log_restored_to_an_earlier_state_under_a_reader_is_read_from_its_start(bench: Any, database: Any) -> None:
    topic = await bench.make_topic(1)
    at = TopicPartition(topic, 0)
    await bench.send([Outgoing(topic, b"k", b"%d" % i) for i in range(8)])
    async with bench.consumer(topic=topic) as consumer:
        await consumer.poll(max_records=10, timeout=5)
        await database.execute("DELETE FROM record WHERE record_offset >= 3; UPDATE log SET next_offset = 3")
        again = await consumer.poll(max_records=10, timeout=10)
    assert [record.offset for record in again[at]] == [0, 1, 2]


async def test_without_a_retention_nothing_is_deleted(bench: Any, database: Any) -> None:
    await bench.send(bench.records(10))
    await database.execute("UPDATE record SET timestamp_ms = 0")
    assert await bench.bus.maintain() == 0


async def test_an_old_tombstone_goes_and_with_it_the_key(bench: Any, database: Any) -> None:
    topic = await bench.make_topic(1, cleanup="compact")
    await bench.send([Outgoing(topic, b"erased", b"1"), Outgoing(topic, b"kept", b"1"), Outgoing(topic, b"erased", None)])
    assert await bench.bus.maintain() == 1
    await database.execute("UPDATE record SET timestamp_ms = timestamp_ms - 90000000")
    assert await bench.bus.maintain() == 1
    assert [row["key"] for row in await database.fetch("SELECT key FROM record")] == [b"kept"]


async def test_compaction_goes_on_from_where_it_was(bench: Any, database: Any) -> None:
    topic = await bench.make_topic(1, cleanup="compact")
    for round_ in range(3):
        await bench.send([Outgoing(topic, b"%d" % key, b"%d" % round_) for key in range(5)])
        assert await bench.bus.maintain() == (0 if round_ == 0 else 5)
    assert [row["record_offset"] for row in await database.fetch("SELECT record_offset FROM record ORDER BY 1")] == [
        10,
        11,
        12,
        13,
        14,
    ]


async def test_only_one_maintains_at_a_time(bench: Any, database: Any) -> None:
    topic = await bench.make_topic(1, cleanup="compact")
    await bench.send([Outgoing(topic, b"k", b"1"), Outgoing(topic, b"k", b"2")])
    await database.execute("SELECT pg_advisory_lock($1)", 0x67784D61)
    assert await bench.bus.maintain() == 0
    await database.execute("SELECT pg_advisory_unlock($1)", 0x67784D61)
    assert await bench.bus.maintain() == 1


async def test_an_existing_topic_takes_over_policy_and_retention_but_not_when_refused(bench: Any, database: Any) -> None:
    name = await bench.make_topic(2)
    await bench.bus.ensure_topics([TopicSpec(name, 2, "compact", 5)])
    with pytest.raises(BusError):
        await bench.bus.ensure_topics([TopicSpec(name, 3, "delete", 6)])
    row = await database.fetchrow("SELECT partitions, cleanup, retention_ms FROM topic WHERE name = $1", name)
    assert tuple(row) == (2, "compact", 5)


async def test_a_producer_knows_a_topic_made_after_its_first_refusal(bench: Any) -> None:
    producer: EmbeddedProducer = await bench.bus.producer()
    refused = await producer.send([Outgoing("later", b"k", b"v")])
    assert [type(error).__name__ for error in refused] == ["RecordRejected"]
    await bench.bus.ensure_topics([TopicSpec("later", 1)])
    assert await producer.send([Outgoing("later", b"k", b"v")]) == [None]
