"""Reading from Kafka as a member of a group."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiokafka
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, CorruptRecordException, IllegalStateError, UnsupportedCodecError

from guanxi_common.messaging.bus import AssignmentListener, BusUnavailable, CommitFenced, Record, TopicPartition
from guanxi_common.messaging.kafka.salvage import Salvaged, fetch_by_hand
from guanxi_common.messaging.kafka.settings import KafkaTimes, reported
from guanxi_common.messaging.kafka.stall import StallWatch

_ERRORS_OF_DATA = (CorruptRecordException, UnsupportedCodecError)
_GRACE_SECONDS = 1.0
_JOIN_SECONDS = 0.1
_PROBE_SECONDS = 2.0
log = structlog.get_logger(__name__)

Batch = dict[TopicPartition, list[Record]]


class KafkaConsumer:
    """`Consumer` on Kafka.

    aiokafka's consumer can stop for good without an error, after a broker's restart or in a rebalance, and after an error inside
    a batch it skips records. So it is replaced after any error, and when it does not advance though there is something to read;
    reading then goes on from the committed offsets. After an error over what it read, its successor reads by hand until it has
    passed what could not be read.
    """

    def __init__(
        self,
        make_inner: Callable[[], AIOKafkaConsumer],
        topics: Sequence[str],
        times: KafkaTimes,
        on_assigned: AssignmentListener | None,
        on_revoked: AssignmentListener | None,
    ) -> None:
        self._make_inner = make_inner
        self._topics = topics
        self._times = times
        self._listener = _Listener(on_assigned, on_revoked)
        self._inner: AIOKafkaConsumer | None = None
        self._watch = StallWatch(times.stall)
        self._look: asyncio.Task[tuple[dict[TopicPartition, int], Mapping[TopicPartition, int]] | None] | None = None
        self._looked_at = time.monotonic()
        self._unanswered_since: float | None = None
        self._by_hand = False
        self._unreadable: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Join the group. Raises `BusUnavailable`."""
        inner = self._make_inner()
        inner.subscribe(self._topics, listener=self._listener)
        try:
            with reported():
                await asyncio.wait_for(inner.start(), self._times.delivery)
        except BaseException:
            await _stop(inner, self._times.request)
            raise
        self._inner = inner
        self._looked_at, self._unanswered_since = time.monotonic(), None

    async def poll(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        if self._inner is None:
            await self.start()
        if self._by_hand:
            return await self._read_by_hand(max_records, timeout)
        batch = await self._read(max_records, timeout)
        if self._unanswered_since is not None and time.monotonic() - self._unanswered_since > self._times.stall:
            await self._restart("no answer")
        elif stalled := self._stalled():
            batch |= await self._probe(stalled - batch.keys(), max(1, max_records - sum(map(len, batch.values()))))
        return batch

    def assignment(self) -> frozenset[TopicPartition]:
        return _ours(self._inner.assignment()) if self._inner is not None else frozenset()

    async def seek(self, partition: TopicPartition, offset: int) -> None:
        if self._inner is not None:
            with suppress(IllegalStateError):
                self._inner.seek(_theirs(partition), offset)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._on_held(partitions, lambda inner, at: inner.pause(at))

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._on_held(partitions, lambda inner, at: inner.resume(at))

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._inner is None:
            raise CommitFenced("the consumer is being replaced")
        try:
            with reported():
                committing = self._inner.commit({_theirs(at): offset for at, offset in offsets.items()})
                await asyncio.wait_for(committing, self._times.delivery)
        except BusUnavailable as error:
            if isinstance(error.__cause__, CommitFailedError | IllegalStateError):
                raise CommitFenced(str(error)) from error
            raise

    async def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets(self._connected().beginning_offsets, partitions)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets(self._connected().end_offsets, partitions)

    async def position(self, partition: TopicPartition) -> int:
        try:
            with reported():
                position: int = await asyncio.wait_for(self._connected().position(_theirs(partition)), self._times.request)
        except BusUnavailable as error:
            if isinstance(error.__cause__, IllegalStateError):
                raise CommitFenced(str(error)) from error
            raise
        return position

    async def close(self) -> None:
        inner, self._inner = self._inner, None
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if inner is not None:
            await _stop(inner, self._times.request)

    async def _offsets(
        self, ask: Callable[[list[Any]], Awaitable[Mapping[Any, int]]], partitions: Iterable[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        with reported():
            found = await asyncio.wait_for(ask([_theirs(at) for at in partitions]), self._times.request)
        return {TopicPartition(at.topic, at.partition): offset for at, offset in found.items()}

    async def _read(self, max_records: int, timeout: float, *only: aiokafka.TopicPartition) -> Batch:
        """One `getmany`, which in a rebalance waits without regard to its time-out."""
        inner = self._connected()
        reading = inner.getmany(*only, timeout_ms=int(timeout * 1000), max_records=max_records)
        try:
            with reported():
                found = await asyncio.wait_for(reading, timeout + _GRACE_SECONDS)
        except BusUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                self._unanswered_since = self._unanswered_since or time.monotonic()
                return {}
            await self._restart(str(error))
            if isinstance(error.__cause__, _ERRORS_OF_DATA):
                self._by_hand = True
                return {}
            raise
        except Exception as error:
            # Not only Kafka's errors: a record that cannot be decoded raises what it likes, and the next call would pass over it.
            await self._restart(f"{type(error).__name__}: {error}")
            self._by_hand = True
            return {}
        self._unanswered_since = None
        return {TopicPartition(at.topic, at.partition): [_record(one) for one in records] for at, records in found.items()}

    async def _read_by_hand(self, max_records: int, timeout: float) -> Batch:
        """One round over the partitions, each fetched alone. Ends once the caller is past what could not be read, or at the end."""
        inner, found = self._connected(), Batch()
        held = self.assignment()
        if not held:
            await asyncio.sleep(min(timeout, _JOIN_SECONDS))  # the group has given it nothing yet
            return {}
        if self._unreadable and all([await self.position(at) >= end for at, end in self._unreadable.items() if at in held]):
            self._by_hand, self._unreadable = False, {}
            return await self._read(max_records, timeout)
        for at in sorted(held - _ours(inner.paused())):
            salvaged = await self._fetch_by_hand(inner, at)
            taken = salvaged.records[:max_records]
            whole = len(taken) == len(salvaged.records)
            await self.seek(at, salvaged.next if whole else taken[-1].offset + 1)
            if salvaged.unreadable:
                self._unreadable[at] = salvaged.next
            if taken:
                found[at] = taken
            max_records -= len(taken)
            if max_records <= 0:
                break
        self._by_hand = bool(found or self._unreadable)
        return found

    async def _fetch_by_hand(self, inner: AIOKafkaConsumer, at: TopicPartition) -> Salvaged:
        try:
            with reported():
                position = await asyncio.wait_for(inner.position(_theirs(at)), self._times.request)
                return await asyncio.wait_for(fetch_by_hand(inner, at, position), self._times.request)
        except Exception as error:
            self._by_hand = False
            await self._restart(f"by hand: {type(error).__name__}: {error}")
            raise BusUnavailable(f"Kafka: {type(error).__name__}: {error}") from error

    def _stalled(self) -> set[TopicPartition]:
        """What the latest look at the lag says. It runs beside the polls: the broker answers it only after the fetch in flight."""
        now = time.monotonic()
        if self._look is None:
            if now - self._looked_at > self._times.stall / 4:
                self._looked_at = now
                self._look = asyncio.create_task(self._look_at_lag(), name="bus-lag")
            return set()
        if not self._look.done():
            return set()
        seen, self._look = self._look.result(), None
        return self._watch.stalled(*seen, now) if seen else set()

    async def _look_at_lag(self) -> tuple[dict[TopicPartition, int], Mapping[TopicPartition, int]] | None:
        inner = self._connected()
        active = _ours(inner.assignment() - inner.paused())
        try:
            ends = await self.end_offsets(active)
            return {at: await self.position(at) for at in active}, ends
        except (BusUnavailable, CommitFenced):
            return None

    async def _probe(self, stalled: set[TopicPartition], max_records: int) -> Batch:
        """Ask the stalled partitions alone, as others may have been served before them; restart if they give nothing."""
        held = stalled & self.assignment()
        batch = await self._read(max_records, _PROBE_SECONDS, *map(_theirs, held)) if held else {}
        if held and not batch:
            await self._restart("no progress")
        return batch

    async def _restart(self, reason: str) -> None:
        """Leave and let the next poll join anew."""
        log.warning("kafka_consumer_restarted", reason=reason)
        lost = self.assignment()
        self._watch.restarted()
        await self.close()
        if lost:
            await self._listener.on_partitions_revoked(map(_theirs, lost))

    def _connected(self) -> AIOKafkaConsumer:
        if self._inner is None:
            raise BusUnavailable("Kafka: the consumer is being replaced")
        return self._inner

    def _on_held(self, partitions: Iterable[TopicPartition], act: Callable[[AIOKafkaConsumer, Any], None]) -> None:
        if self._inner is not None:
            held = self._inner.assignment()
            for partition in map(_theirs, partitions):
                if partition in held:
                    act(self._inner, partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Passes rebalances on. Exceptions end here: aiokafka would swallow them."""

    def __init__(self, on_assigned: AssignmentListener | None, on_revoked: AssignmentListener | None) -> None:
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        await self._tell(self._on_assigned, "bus_partitions_assigned", _ours(assigned))

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        await self._tell(self._on_revoked, "bus_partitions_revoked", _ours(revoked))

    async def _tell(self, listener: AssignmentListener | None, event: str, partitions: frozenset[TopicPartition]) -> None:
        if not partitions:
            return
        log.info(event, partitions=len(partitions))
        if listener is not None:
            try:
                await listener(partitions)
            except Exception:
                log.exception("bus_assignment_listener_failed")


async def _stop(inner: AIOKafkaConsumer, seconds: float) -> None:
    """Leave the group and close every connection. aiokafka's `stop` may give up half-way, and does nothing when called again."""
    try:
        with reported():
            await asyncio.wait_for(inner.stop(), seconds)
    except BusUnavailable as error:
        log.warning("kafka_consumer_stop_cut_short", error=str(error))
        with suppress(BusUnavailable), reported():
            await asyncio.wait_for(inner._client.close(), seconds)  # noqa: SLF001  # there is no public way


def _record(one: Any) -> Record:
    # Kafka allows a header without a value.
    headers = tuple((name, value or b"") for name, value in one.headers)
    return Record(one.topic, one.partition, one.offset, one.key, one.value, headers, one.timestamp)


def _ours(partitions: Iterable[Any]) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition(at.topic, at.partition) for at in partitions)


def _theirs(partition: TopicPartition) -> aiokafka.TopicPartition:
    return aiokafka.TopicPartition(partition.topic, partition.partition)
