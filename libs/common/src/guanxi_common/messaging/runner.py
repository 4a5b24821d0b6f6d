"""The consumer runner: poll, take over a batch in one transaction, commit the database, then commit the offsets.

- Reading starts where the database says, and each batch moves that position; the bus's offset only follows.
- A transient failure: seek back, pause, back off, try again; membership is kept by polling on.
- A batch has a deadline well below the broker's `max.poll.interval`; one that misses it, or whose statement takes too long, is tried
  again at half the size. A single record whose statement takes too long `SLOW_TRIES` times in a row goes to the dead letters.
- A partition that has made too many dead letters is paused, and the others are read on.
- A fenced or failed offset commit is no failure: the work is durable, and what is read again is recognised.
- A consumer whose position stands still while there is lag is replaced (it may have died silently with the broker's restart).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from guanxi_common.db.uow import Database
from guanxi_common.messaging import metrics
from guanxi_common.messaging.bus import Bus, BusError, BusUnavailable, CommitFenced, Consumer, Record, TopicPartition
from guanxi_common.messaging.failures import describe, is_too_slow, is_transient
from guanxi_common.messaging.inbox import InboxStore, PostgresInbox
from guanxi_common.messaging.places import Places, Polled
from guanxi_common.messaging.processing import Handler, Processor, Subscription
from guanxi_common.messaging.signing import EventVerifier
from guanxi_common.parts import Part

__all__ = ["ConsumerRunner", "Handler", "RunnerSettings", "Subscription"]

log = structlog.get_logger(__name__)

SLOW_TRIES: Final = 5
TOO_SLOW: Final = ("too_slow", f"its statement took too long {SLOW_TRIES} times")


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """Times in seconds. `batch_deadline` stays far below Kafka's `max.poll.interval` (300 s)."""

    max_records: int = 2_000
    poll_timeout: float = 0.5
    batch_deadline: float = 60.0
    first_backoff: float = 0.1
    longest_backoff: float = 10.0
    release_interval: float = 1.0
    stall_check_interval: float = 5.0
    stalled_after: float = 30.0
    dead_letter_limit: int = 100


class ConsumerRunner:
    """One member of a consumer group. `run` it in one task; start as many members as there are partitions, at most.

    Without `verifier` no record of a signed topic is applied. `part` hears of the failures that it gets over by itself.
    """

    def __init__(
        self,
        database: Database | InboxStore,
        bus: Bus,
        group: str,
        subscriptions: Sequence[Subscription],
        *,
        settings: RunnerSettings | None = None,
        verifier: EventVerifier | None = None,
        part: Part | None = None,
    ) -> None:
        self._settings: Final = settings or RunnerSettings()
        store: InboxStore = PostgresInbox(database) if isinstance(database, Database) else database
        limit = self._settings.dead_letter_limit
        self._places = Places(store, group, [subscription.topic for subscription in subscriptions])
        self._processor = Processor(store, group, subscriptions, verifier=verifier, dead_letter_limit=limit)
        self._bus = bus
        self._consumer: Consumer | None = None
        self._part = part
        self._group = group
        self._topics = [subscription.topic for subscription in subscriptions]
        self._size = self._settings.max_records
        self._backoff = self._settings.first_backoff
        self._uncommitted: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, tuple[int, float]] = {}
        self._released_at = self._checked_at = float("-inf")
        self._progressed_at: float | None = None
        self._slow: Counter[tuple[str, int, int]] = Counter()

    def seconds_since_progress(self) -> float:
        """How long ago the loop last went round; above a few batch deadlines its part is stalled. Zero before the first round."""
        return 0.0 if self._progressed_at is None else asyncio.get_running_loop().time() - self._progressed_at

    async def bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Where the log of each partition, held or not, begins and ends now. Raises `BusUnavailable`."""
        if self._consumer is None:
            raise BusUnavailable("the consumer is not connected")
        starts, ends = await self._consumer.start_offsets(partitions), await self._consumer.end_offsets(partitions)
        return {at: (starts[at], ends[at]) for at in partitions}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; the batch under way is finished. Raises nothing that is transient."""
        while not stop.is_set():
            try:
                again = self._places.forget_listener
                consumer = await self._bus.consumer(group=self._group, topics=self._topics, on_assigned=again, on_revoked=again)
                self._consumer = consumer
                try:
                    await self._consume(consumer, stop)
                finally:
                    self._consumer = None
                    await _close(consumer)
            except (BusError, OSError, TimeoutError) as error:
                self._failed(error, "bus")
                metrics.RESTARTS.labels(self._group).inc()
                log.warning("consumer_lost", group=self._group, error=describe(error), again_in_seconds=self._backoff)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._next_backoff()):
                        await stop.wait()

    async def _consume(self, consumer: Consumer, stop: asyncio.Event) -> None:
        self._uncommitted.clear()
        self._positions.clear()
        self._places.forget()
        while not stop.is_set():
            self._progressed_at = asyncio.get_running_loop().time()
            polled = await consumer.poll(max_records=self._size, timeout=self._settings.poll_timeout)
            self._went_well("bus")
            await self._take_over(consumer, polled, stop)
            await self._commit_offsets(consumer)
            await self._release()
            await self._check_stall(consumer)

    async def _take_over(self, consumer: Consumer, polled: Polled, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._settings.batch_deadline):
                positions = await self._process(consumer, polled)
        except Exception as error:
            if not is_transient(error):
                raise
            if isinstance(error, TimeoutError) or is_too_slow(error):
                self._size = max(1, self._size // 2)
            self._note_slow(polled, error)
            self._failed(error, "batch")
            metrics.TRANSIENT.labels(self._group, type(error).__name__).inc()
            records = sum(map(len, polled.values()))
            log.warning("batch_to_be_tried_again", group=self._group, records=records, error=describe(error))
            self._places.forget()
            await _seek_back(consumer, polled)
            await self._back_off(consumer, stop)
        else:
            if positions or not polled:  # records that are only sought again say nothing
                self._went_well("batch")
                self._backoff = self._settings.first_backoff
            if positions:
                self._size = min(self._settings.max_records, self._size * 2)

    async def _process(self, consumer: Consumer, polled: Polled) -> Mapping[TopicPartition, int]:
        """Take over what follows the stored positions; returns the new ones. Raises what is transient, with nothing done."""
        await self._places.look(self._settings.release_interval)
        admitted, sought = await self._places.admit(consumer, polled)
        self._uncommitted.update(sought)
        moves = self._places.moves(admitted) if polled else await self._places.passed(consumer)
        if not moves:
            return {}
        records = [record for batch in admitted.values() for record in batch]
        alone = _place(records[0]) if len(records) == 1 else None
        failure = TOO_SLOW if alone and self._slow[alone] >= SLOW_TRIES else None
        taken = await self._processor.process(records, moves, self._places.read_again, failure=failure)
        if alone:
            del self._slow[alone]
        self._places.taken(taken)
        self._uncommitted.update(taken.positions)
        return taken.positions

    def _note_slow(self, polled: Polled, error: Exception) -> None:
        """Count the failures of a record that came alone. A server that is away is no fault of the record's."""
        records = [record for batch in polled.values() for record in batch]
        if len(records) == 1 and is_too_slow(error):
            self._slow[_place(records[0])] += 1

    async def _back_off(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Wait without processing. Polling goes on, so that the group keeps this member."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._next_backoff()
        self._positions.clear()
        paused: set[TopicPartition] = set()
        while (left := until - loop.time()) > 0 and not stop.is_set():
            self._progressed_at = loop.time()
            paused |= consumer.assignment()
            consumer.pause(consumer.assignment())
            polled = await consumer.poll(max_records=1, timeout=min(left, self._settings.poll_timeout))
            await _seek_back(consumer, polled)
        consumer.resume(paused & consumer.assignment())

    def _failed(self, error: Exception, source: str) -> None:
        if self._part is not None:
            self._part.failed(error, source=source)

    def _went_well(self, source: str) -> None:
        if self._part is not None:
            self._part.went_well(source=source)

    def _next_backoff(self) -> float:
        backoff, self._backoff = self._backoff, min(self._backoff * 2, self._settings.longest_backoff)
        return backoff

    async def _commit_offsets(self, consumer: Consumer) -> None:
        """Commit what is durable. What cannot be committed now is tried again on the next round."""
        held = consumer.assignment()
        try:
            self._uncommitted = {
                partition: offset
                for partition, offset in self._uncommitted.items()
                # A partition that was lost and came back may be further on: another member has committed more.
                if partition in held and await consumer.position(partition) <= offset
            }
            if self._uncommitted:
                await consumer.commit(self._uncommitted)
        except CommitFenced:
            metrics.FENCED.labels(self._group).inc()
        except BusError as error:
            log.warning("offsets_not_committed", group=self._group, error=describe(error))
        else:
            self._uncommitted.clear()

    async def _release(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._released_at < self._settings.release_interval:
            return
        self._released_at = now
        try:
            async with asyncio.timeout(self._settings.batch_deadline):
                await self._processor.release()
        except Exception as error:
            if not is_transient(error):
                raise
            metrics.TRANSIENT.labels(self._group, type(error).__name__).inc()

    async def _check_stall(self, consumer: Consumer) -> None:
        """Raise `BusError` where a partition that is read has lag and its position has not moved for `stalled_after`."""
        now = asyncio.get_running_loop().time()
        if now - self._checked_at < self._settings.stall_check_interval:
            return
        self._checked_at = now
        lag = dict.fromkeys(self._topics, 0)
        for partition, end in (await consumer.end_offsets(consumer.assignment() - self._places.paused())).items():
            try:
                position = await consumer.position(partition)
            except CommitFenced:
                continue
            lag[partition.topic] += max(end - position, 0)
            before, since = self._positions.get(partition, (position, now))
            if position >= end or position != before:
                since = now
            self._positions[partition] = (position, since)
            if now - since > self._settings.stalled_after:
                raise BusError(f"{partition.topic}[{partition.partition}] stands at {position} of {end}")
        for topic, records in lag.items():
            metrics.LAG.labels(self._group, topic).set(records)


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


async def _seek_back(consumer: Consumer, polled: Polled) -> None:
    """Undo a poll. A partition that was taken away meanwhile is its new holder's to read."""
    for partition, batch in polled.items():
        if partition in consumer.assignment():
            await consumer.seek(partition, batch[0].offset)


async def _close(consumer: Consumer) -> None:
    with suppress(BusError, OSError, TimeoutError):
        async with asyncio.timeout(10):
            await consumer.close()
