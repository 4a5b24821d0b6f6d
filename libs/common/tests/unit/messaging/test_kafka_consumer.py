"""The Kafka consumer's handling of an aiokafka consumer that misbehaves, with stand-ins for the latter."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiokafka
import pytest
from aiokafka.errors import IllegalStateError
from guanxi_common.messaging.bus import BusUnavailable, CommitFenced, Record, TopicPartition
from guanxi_common.messaging.kafka.consumer import KafkaConsumer
from guanxi_common.messaging.kafka.salvage import Salvaged
from guanxi_common.messaging.kafka.settings import KafkaTimes

pytestmark = pytest.mark.anyio

HELD = aiokafka.TopicPartition("topic", 0)


class Client:
    """An aiokafka client."""

    closed = False

    async def close(self) -> None:
        self.closed = True


class Inner:
    """An aiokafka consumer that holds one partition with one unread record and behaves as `getmany` says."""

    def __init__(self, getmany: Callable[..., Any]) -> None:
        self.getmany = getmany
        self.stopped = False
        self.sought: list[int] = []
        self._client = Client()

    def subscribe(self, _topics: Any, listener: Any) -> None:
        self.listener = listener

    async def start(self) -> None:
        await self.listener.on_partitions_assigned([HELD])

    async def stop(self) -> None:
        self.stopped = True

    def assignment(self) -> set[aiokafka.TopicPartition]:
        return {HELD}

    def paused(self) -> set[aiokafka.TopicPartition]:
        return set()

    async def end_offsets(self, _partitions: Any) -> dict[aiokafka.TopicPartition, int]:
        return {HELD: 1}

    async def position(self, _partition: Any) -> int:
        return self.sought[-1] if self.sought else 0

    def seek(self, _partition: Any, offset: int) -> None:
        self.sought.append(offset)

    async def commit(self, _offsets: Any) -> None:
        raise IllegalStateError("Partition is not assigned")


async def undecodable(*_only: Any, **_limits: Any) -> Any:
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


async def nothing(*_only: Any, timeout_ms: int, **_limits: Any) -> Any:
    await asyncio.sleep(min(timeout_ms / 1000, 0.01))
    return {}


async def never(*_only: Any, **_limits: Any) -> Any:
    await asyncio.Event().wait()


def consumer_of(inners: list[Inner], stall: float = 0.05, **listeners: Any) -> KafkaConsumer:
    waiting = iter(inners)
    listeners = {"on_assigned": None, "on_revoked": None, **listeners}
    return KafkaConsumer(lambda: next(waiting), ["topic"], KafkaTimes(stall=stall), **listeners)


async def test_an_error_in_a_batch_replaces_the_consumer_which_would_pass_over_records() -> None:
    revoked = []

    async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
        revoked.append(partitions)

    inners = [Inner(undecodable), Inner(nothing), Inner(nothing)]
    consumer = consumer_of(inners, on_revoked=on_revoked)
    assert await consumer.poll(max_records=1, timeout=0) == {}
    assert inners[0].stopped
    assert revoked == [frozenset({TopicPartition("topic", 0)})]
    with pytest.raises(CommitFenced):
        await consumer.commit({TopicPartition("topic", 0): 1})
    with pytest.raises(BusUnavailable, match="'Client' object has no attribute"):  # which another release of aiokafka may say too
        await consumer.poll(max_records=1, timeout=0)
    assert await consumer.poll(max_records=1, timeout=0) == {}
    assert consumer._inner is inners[2]


async def test_7_1_after_an_error_over_its_records_a_consumer_reads_by_hand_until_it_has_passed_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, asked = TopicPartition("topic", 0), []
    fetches = [Salvaged([_record(0), _record(1)], 2, unreadable=False), Salvaged([_record(2)], 3, unreadable=True)]

    async def fetch(_inner: Any, at: TopicPartition, position: int) -> Salvaged:
        asked.append((at, position))
        return fetches.pop(0)

    monkeypatch.setattr("guanxi_common.messaging.kafka.consumer.fetch_by_hand", fetch)
    inners = [Inner(undecodable), Inner(nothing)]
    consumer = consumer_of(inners)
    assert await consumer.poll(max_records=9, timeout=0) == {}
    for offsets in ([0, 1], [2]):
        polled = await consumer.poll(max_records=9, timeout=0)
        assert [record.offset for record in polled[at]] == offsets
    assert await consumer.poll(max_records=9, timeout=0) == {}
    assert (asked, inners[1].sought) == ([(at, 0), (at, 2)], [2, 3])


def _record(offset: int) -> Record:
    return Record("topic", 0, offset, b"k", b"v", (), 0)


@pytest.mark.parametrize("getmany", [nothing, never])
async def test_a_consumer_that_gives_nothing_though_there_is_something_is_replaced(
    getmany: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 7: with empty answers, and with none at all, as in a rebalance that does not end."""
    monkeypatch.setattr("guanxi_common.messaging.kafka.consumer._GRACE_SECONDS", 0.01)
    monkeypatch.setattr("guanxi_common.messaging.kafka.consumer._PROBE_SECONDS", 0.01)
    inners = [Inner(getmany), Inner(nothing)]
    consumer = consumer_of(inners)
    async with asyncio.timeout(5):
        while not inners[0].stopped:
            assert await consumer.poll(max_records=1, timeout=0.01) == {}
    await consumer.close()


async def test_a_commit_for_a_partition_that_is_not_assigned_is_fenced() -> None:
    consumer = consumer_of([Inner(nothing)])
    await consumer.poll(max_records=1, timeout=0)
    with pytest.raises(CommitFenced):
        await consumer.commit({TopicPartition("topic", 0): 1})
    await consumer.close()


async def cancelled_from_within(*_only: Any, **_limits: Any) -> Any:
    own = asyncio.ensure_future(asyncio.Event().wait())
    own.cancel()
    await own


async def test_a_stop_that_aiokafka_cancels_from_within_ends_neither_our_task_nor_leaves_connections() -> None:
    """Its fetcher cancels the fetches under way and awaits them; seen after a broker's restart, the worker read nothing any more."""
    inner = Inner(nothing)
    inner.stop = cancelled_from_within  # type: ignore[method-assign]  # a stand-in
    consumer = consumer_of([inner])
    await consumer.poll(max_records=1, timeout=0)
    await consumer.close()
    assert inner._client.closed


async def test_a_poll_that_aiokafka_cancels_from_within_is_an_outage() -> None:
    inners = [Inner(cancelled_from_within), Inner(nothing)]
    consumer = consumer_of(inners)
    with pytest.raises(BusUnavailable, match="from within"):
        await consumer.poll(max_records=1, timeout=0)
    assert inners[0].stopped
    assert await consumer.poll(max_records=1, timeout=0) == {}


async def test_our_own_cancellation_stays_one() -> None:
    asked = asyncio.Event()

    async def never_answers(*_only: Any, **_limits: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    consumer = consumer_of([Inner(never_answers)])
    polling = asyncio.ensure_future(consumer.poll(max_records=1, timeout=60))
    await asked.wait()
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    await consumer.close()
