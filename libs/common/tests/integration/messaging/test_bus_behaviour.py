"""What every back end of the bus promises (`guanxi_common.messaging.bus`), on real servers."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.messaging.bus import (
    BusError,
    CommitFenced,
    Consumer,
    Outgoing,
    Record,
    RecordRejected,
    TopicPartition,
    TopicSpec,
)
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.partitioner import partition_of
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

Read = Callable[..., Awaitable[list[Record]]]


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]


def by_partition(records: Sequence[Record]) -> dict[int, list[Record]]:
    sorted_out: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        sorted_out[record.partition].append(record)
    return sorted_out


def ends(records: Sequence[Record]) -> dict[TopicPartition, int]:
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}


async def holds(consumer: Consumer, partitions: int, *others: Consumer) -> None:
    """Poll all until `consumer` has that many partitions."""

    async def has() -> bool:
        for one in (consumer, *others):
            await one.poll(max_records=1, timeout=0.05)
        return len(consumer.assignment()) == partitions

    await eventually(has, timeout=30)


async def test_order_within_a_partition_is_the_order_of_sending(bench: Any, read: Read) -> None:
    sent = bench.records(1_000)
    async with bench.producer() as producer:
        for start in range(0, len(sent), 100):
            assert await producer.send(sent[start : start + 100]) == [None] * 100
    async with bench.consumer() as consumer:
        got = await read(consumer, len(sent), max_records=70)
    assert len(got) == len(sent)
    for records in by_partition(got).values():
        assert all(before.offset < after.offset for before, after in pairwise(records))
        assert values(records) == sorted(values(records), key=lambda value: int(value or 0))


async def test_a_key_goes_to_the_partition_of_its_murmur2_hash(bench: Any, read: Read) -> None:
    await bench.send([Outgoing(bench.topic, str(uuid4()).encode(), b"") for _ in range(200)])
    async with bench.consumer() as consumer:
        got = await read(consumer, 200)
    assert [record.partition for record in got] == [partition_of(record.key or b"", 4) for record in got]
    assert {record.partition for record in got} == {0, 1, 2, 3}


async def test_keys_values_and_headers_come_back_as_they_were_sent(bench: Any, read: Read) -> None:
    headers = (("ce_type", b"guanxi.test.v1"), ("ce_id", b"\x00\xff"), ("ce_type", "重复".encode()))
    before = time.time()
    await bench.send([Outgoing(bench.topic, b"\x00key", b"\x00\xffvalue", headers), Outgoing(bench.topic, b"\x00key", None)])
    async with bench.consumer() as consumer:
        full, tombstone = await read(consumer, 2)
    assert (full.key, full.value, full.headers) == (b"\x00key", b"\x00\xffvalue", headers)
    assert before - 5 < full.timestamp_ms / 1000 < time.time() + 5
    assert (tombstone.key, tombstone.value, tombstone.headers) == (b"\x00key", None, ())


async def test_what_was_not_committed_is_read_again_after_close(bench: Any, read: Read) -> None:
    await bench.send(bench.records(50))
    async with bench.consumer() as consumer:
        assert len(await read(consumer, 50)) == 50
    async with bench.consumer() as consumer:
        assert len(await read(consumer, 50)) == 50


async def test_a_group_goes_on_from_the_explicit_offsets_it_committed(bench: Any, read: Read) -> None:
    await bench.send(bench.records(100))
    async with bench.consumer() as consumer:
        first = await read(consumer, 30, max_records=30)
        await consumer.commit(ends(first))
        await read(consumer, 70)
    async with bench.consumer() as consumer:
        second = await read(consumer, 100 - len(first))
    assert sorted(values(first) + values(second), key=str) == sorted((record.value for record in bench.records(100)), key=str)


async def test_groups_do_not_know_of_each_other(bench: Any, read: Read) -> None:
    await bench.send(bench.records(20))
    async with bench.consumer("one-" + bench.group) as one, bench.consumer("two-" + bench.group) as two:
        got = await read(one, 20)
        await one.commit(ends(got))
        assert len(await read(two, 20)) == 20


async def test_poll_passes_over_what_it_returned_and_seek_goes_back_to_it(bench: Any, read: Read) -> None:
    """Trap 6: a caller that fails and only polls again never sees the batch again."""
    await bench.send(bench.records(10, keys=1))
    async with bench.consumer() as consumer:
        got = await read(consumer, 10)
        assert await consumer.poll(max_records=10, timeout=0.3) == {}
        at = TopicPartition(bench.topic, got[0].partition)
        assert await consumer.position(at) == 10
        await consumer.seek(at, 4)
        assert await consumer.position(at) == 4
        assert values(await read(consumer, 6)) == [b"4", b"5", b"6", b"7", b"8", b"9"]


async def test_a_paused_partition_gives_nothing_until_it_is_resumed(bench: Any, read: Read) -> None:
    async with bench.consumer() as consumer:
        await holds(consumer, 4)
        paused = {TopicPartition(bench.topic, 0), TopicPartition(bench.topic, 1)}
        consumer.pause(paused)
        sent = bench.records(40)
        await bench.send(sent)
        held_back = sum(partition_of(record.key, 4) < 2 for record in sent)
        assert {record.partition for record in await read(consumer, 40 - held_back)} == {2, 3}
        assert await consumer.poll(max_records=40, timeout=0.3) == {}
        assert consumer.assignment() >= paused
        consumer.resume(paused)
        assert {record.partition for record in await read(consumer, held_back)} == {0, 1}


async def test_partitions_that_are_not_held_are_ignored_by_seek_and_pause_and_fenced_by_commit(bench: Any) -> None:
    strange = TopicPartition(bench.topic, 99)
    async with bench.consumer() as consumer:
        await holds(consumer, 4)
        await consumer.seek(strange, 3)
        consumer.pause([strange])
        consumer.resume([strange])
        with pytest.raises(CommitFenced):
            await consumer.commit({strange: 3})
        with pytest.raises(CommitFenced):
            await consumer.position(strange)


async def test_poll_waits_for_its_time_out_and_ends_at_once_when_a_record_comes(bench: Any) -> None:
    async with bench.consumer() as consumer, bench.producer() as producer:
        await holds(consumer, 4)
        started = time.monotonic()
        assert await consumer.poll(max_records=10, timeout=0.5) == {}
        assert 0.4 < time.monotonic() - started < 2
        polling = asyncio.create_task(consumer.poll(max_records=10, timeout=20))
        await asyncio.sleep(0)
        started = time.monotonic()
        assert await producer.send(bench.records(1)) == [None]
        assert sum(map(len, (await polling).values())) == 1
        assert time.monotonic() - started < 5


async def test_positions_and_end_offsets_tell_the_lag(bench: Any, read: Read) -> None:
    await bench.send(bench.records(12, keys=1))
    async with bench.consumer() as consumer:
        got = await read(consumer, 5, max_records=5)
        at = TopicPartition(bench.topic, got[0].partition)
        assert await consumer.end_offsets([at]) == {at: 12}
        assert await consumer.position(at) == 5


async def test_start_offsets_are_those_of_the_oldest_records(bench: Any, read: Read) -> None:
    await bench.send(bench.records(5, keys=1))
    async with bench.consumer() as consumer:
        [first, *_] = await read(consumer, 5)
        held, empty = TopicPartition(bench.topic, first.partition), TopicPartition(bench.topic, (first.partition + 1) % 4)
        assert await consumer.start_offsets([held, empty]) == {held: 0, empty: 0}


async def test_d20_a_position_beyond_the_end_reads_from_the_start(bench: Any, read: Read) -> None:
    await bench.send(bench.records(5, keys=1))
    async with bench.consumer() as consumer:
        got = await read(consumer, 5)
        at = TopicPartition(bench.topic, got[0].partition)
        await consumer.seek(at, 1_000)
        assert values(await read(consumer, 5)) == values(got)


async def test_two_members_split_the_partitions_and_one_that_leaves_gives_its_own_back(bench: Any, read: Read) -> None:
    async with bench.consumer() as one:
        await holds(one, 4)
        async with bench.consumer() as two:
            await holds(two, 2, one)
            await holds(one, 2, two)
            assert not one.assignment() & two.assignment()
            await bench.send(bench.records(40))
            both = await asyncio.gather(one.poll(max_records=99, timeout=5), two.poll(max_records=99, timeout=5))
            assert set(both[0]) <= one.assignment()
            assert set(both[1]) <= two.assignment()
            await two.close()
            started = time.monotonic()
            await holds(one, 4)
            assert time.monotonic() - started < 4, "a member that leaves does not keep its lease"


async def test_listeners_are_told_and_their_failure_stops_nothing(bench: Any, read: Read) -> None:
    told: list[tuple[str, int]] = []

    async def assigned(partitions: frozenset[TopicPartition]) -> None:
        told.append(("assigned", len(partitions)))
        raise RuntimeError("a listener's own failure")

    async def revoked(partitions: frozenset[TopicPartition]) -> None:
        told.append(("revoked", len(partitions)))

    await bench.send(bench.records(5))
    async with bench.consumer(on_assigned=assigned, on_revoked=revoked) as one:
        assert len(await read(one, 5)) == 5
        async with bench.consumer() as two:
            await holds(two, 2, one)
    assert told[0] == ("assigned", 4)
    assert any(event == "revoked" for event, _ in told)


async def test_a_killed_members_partitions_move_and_nothing_is_lost(bench: Any, start_member: Any) -> None:
    killed, other = await start_member(bench), await start_member(bench)
    for member in (killed, other):
        while (await member.hears("assigned"))["partitions"] != 2:
            pass
    sent = bench.records(200)
    await bench.send(sent)
    killed.signal(signal.SIGKILL)
    expected = {(record.value or b"").decode() for record in sent}
    async with asyncio.timeout(30):
        while expected:
            expected -= set((await other.hears("records"))["values"])


async def test_a_member_that_was_frozen_past_its_lease_cannot_commit(bench: Any, start_member: Any, read: Read) -> None:
    """Trap 4: the commit of a former holder is refused, whatever it believes, and it reads on afterwards."""
    frozen = await start_member(bench)
    await bench.send(bench.records(40))
    assert (await frozen.hears("assigned"))["partitions"] == 4
    await frozen.hears("records")
    frozen.tell("hold")
    assert (await frozen.hears("held"))["partitions"] == 4
    frozen.signal(signal.SIGSTOP)
    async with bench.consumer() as successor:
        got = await read(successor, 40)
        await successor.commit(ends(got[:20]))
        frozen.tell("commit")
        frozen.signal(signal.SIGCONT)
        await frozen.hears("fenced")
        await holds(successor, 2)
        await bench.send(bench.records(40, start=40))
        assert len(await read(successor, 1)) >= 1
        assert (await frozen.hears("records"))["values"]


async def test_one_bad_record_is_rejected_and_the_others_are_acknowledged(bench: Any, read: Read) -> None:
    """Trap 2: the failure of one record spoils neither its neighbours nor the next call."""
    async with bench.producer() as producer, bench.consumer() as consumer:
        good, too_large = Outgoing(bench.topic, b"a", b"good"), Outgoing(bench.topic, b"a", bytes(3_000_000))
        outcome = await producer.send([good, too_large, good, Outgoing("no-such-topic", b"a", b""), good])
        assert [type(one) for one in outcome] == [type(None), RecordRejected, type(None), RecordRejected, type(None)]
        assert await producer.send([good]) == [None]
        assert values(await read(consumer, 4)) == [b"good"] * 4


async def test_sending_nothing_is_nothing(bench: Any) -> None:
    async with bench.producer() as producer:
        assert await producer.send([]) == []


async def test_topics_can_be_ensured_twice_but_not_with_other_partitions(bench: Any) -> None:
    specification = TopicSpec(f"test.{uuid4().hex}", 3, "compact")
    await asyncio.gather(*(bench.bus.ensure_topics([specification]) for _ in range(3)))
    await bench.bus.ensure_topics([specification])
    with pytest.raises(BusError, match="3 partitions"):
        await bench.bus.ensure_topics([TopicSpec(specification.name, 5, "compact")])


async def test_a_consumer_of_an_unknown_topic_is_refused(bench: Any) -> None:
    with pytest.raises(BusError):
        await bench.bus.consumer(group=bench.group, topics=["no-such-topic"])


async def test_compaction_keeps_the_last_record_of_each_key(bench: Any, read: Read) -> None:
    topic = await bench.make_topic(1, cleanup="compact")
    history = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"c", None), (b"a", b"3")]
    await bench.send([Outgoing(topic, key, value) for key, value in history])
    compacted = isinstance(bench.bus, EmbeddedBus)
    if compacted:
        assert await bench.bus.maintain() == 3
    async with bench.consumer(topic=topic) as consumer:
        got = await read(consumer, 3 if compacted else len(history))
    last = {record.key: record.value for record in got}
    assert last == {b"a": b"3", b"b": b"1", b"c": None}
    if compacted:
        assert [record.offset for record in got] == [1, 4, 5]
