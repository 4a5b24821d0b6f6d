"""One member of a group, reading ranges of offsets."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from guanxi_common.messaging.bus import AssignmentListener, BusUnavailable, CommitFenced, Record, TopicPartition
from guanxi_common.messaging.embedded.database import Pool, reported
from guanxi_common.messaging.embedded.membership import Hold, Membership
from guanxi_common.messaging.embedded.producer import decode_headers
from guanxi_common.messaging.embedded.wakeups import Wakeups

_RETRY_SECONDS = 0.25
_ASTRAY_SECONDS = 1.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadingTimes:
    """`lease`: how long a silent member keeps its partitions. `max_poll_interval`: how long a live member that does not poll
    does. `fallback_poll`: how often to look for records without a wake-up. In seconds.
    """

    lease: float = 6.0
    max_poll_interval: float = 300.0
    fallback_poll: float = 0.5


class EmbeddedConsumer:
    """`Consumer` of the embedded log. Partitions change hands only inside `poll`, never behind the caller's back."""

    def __init__(
        self,
        pool: Pool,
        wakeups: Wakeups,
        membership: Membership,
        times: ReadingTimes,
        on_assigned: AssignmentListener | None,
        on_revoked: AssignmentListener | None,
    ) -> None:
        self._pool = pool
        self._wakeups = wakeups
        self._membership = membership
        self._times = times
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._holds: dict[TopicPartition, Hold] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._turn = 0
        self._wake = asyncio.Event()
        self._group_changed = False
        self._polled_at = time.monotonic()
        self._looked_astray_at = float("-inf")
        self._heartbeat: asyncio.Task[None] | None = None

    async def start(self, topic_signs: Sequence[str], group_sign: str) -> None:
        """Join the group. Raises `BusUnavailable`."""
        self._wakeups.subscribe(topic_signs, self._wake.set)
        self._wakeups.subscribe([group_sign], self._look_at_group)
        try:
            await self._take_part()
        except BaseException:
            self._unsubscribe()
            raise
        self._heartbeat = asyncio.create_task(self._keep_alive(), name=f"bus-heartbeat-{self._membership.group}")

    async def poll(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        deadline = time.monotonic() + timeout
        while True:
            self._polled_at = time.monotonic()
            self._wake.clear()
            failure: BusUnavailable | None = None
            try:
                if self._group_changed:
                    await self._take_part()
                if batch := await self._fetch(max_records):
                    return batch
                if await self._come_back():
                    continue
            except BusUnavailable as error:
                failure = error
            left = deadline - time.monotonic()
            if left <= 0:
                if failure is not None:
                    raise failure
                return {}
            await self._wait(min(left, _RETRY_SECONDS if failure else self._times.fallback_poll))

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._holds)

    async def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition in self._holds:
            self._positions[partition] = offset
            self._wake.set()

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused.update(self._holds.keys() & set(partitions))

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused.difference_update(partitions)
        self._wake.set()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        known = {self._holds[at].log_id: (self._holds[at].epoch, offset) for at, offset in offsets.items() if at in self._holds}
        stored = await self._membership.commit(known) if known else set()
        if len(stored) < len(offsets):
            self._look_at_group()
            raise CommitFenced(f"{len(offsets) - len(stored)} of {len(offsets)} partitions are no longer held")

    async def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets("first_offset", partitions)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets("next_offset", partitions)

    async def position(self, partition: TopicPartition) -> int:
        if partition not in self._positions:
            raise CommitFenced(f"{partition} is not held")
        return self._positions[partition]

    async def close(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            with suppress(asyncio.CancelledError):
                await self._heartbeat
            self._heartbeat = None
            # If the server is away, the lease runs out by itself.
            with suppress(BusUnavailable):
                await self._membership.leave()
        self._unsubscribe()
        self._holds, self._positions = {}, {}

    async def _offsets(self, column: str, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        wanted = list(partitions)
        with reported():
            rows = await self._pool.fetch(_BOUNDS, [at.topic for at in wanted], [at.partition for at in wanted])
        return {TopicPartition(row["name"], row["partition"]): row[column] for row in rows}

    async def _come_back(self) -> bool:
        """Leave positions behind which there is nothing: the log's last records were deleted, or the whole log was restored.

        Now and then, as most polls that find nothing are at the end. Whether the consumer should fetch again.
        """
        now = time.monotonic()
        if now - self._looked_astray_at < _ASTRAY_SECONDS or not self._positions:
            return False
        self._looked_astray_at = now
        at_log = {self._holds[at].log_id: at for at in self._holds}
        with reported():
            rows = await self._pool.fetch(_ASTRAY, list(at_log), [self._positions[at] for at in at_log.values()])
        for log_id, position in rows:
            at = at_log[log_id]
            log.warning("bus_position_astray", topic=at.topic, partition=at.partition, position=self._positions[at], to=position)
            self._positions[at] = position
        return bool(rows)

    async def _fetch(self, limit: int) -> dict[TopicPartition, list[Record]]:
        active = [at for at in self._holds if at not in self._paused]
        if not active:
            return {}
        # The limit is filled from the first partitions; starting at another one each time keeps any from starving.
        self._turn = (self._turn + 1) % len(active)
        active = active[self._turn :] + active[: self._turn]
        by_log = {self._holds[at].log_id: at for at in active}
        with reported():
            rows = await self._pool.fetch(_FETCH, list(by_log), [self._positions[at] for at in active], limit)
        batch: defaultdict[TopicPartition, list[Record]] = defaultdict(list)
        for log_id, offset, key, value, headers, timestamp_ms in rows:
            at = by_log[log_id]
            batch[at].append(Record(at.topic, at.partition, offset, key, value, decode_headers(headers), timestamp_ms))
        for at, records in batch.items():
            self._positions[at] = records[-1].offset + 1
        return dict(batch)

    async def _take_part(self) -> None:
        """Bring what we hold in line with the group's table, giving up what is another's due."""
        self._group_changed = False
        try:
            standing = await self._membership.take_part()
            await self._adopt(standing.holds)
            if standing.surplus:
                surplus = {at for at, hold in self._holds.items() if hold.log_id in standing.surplus}
                await self._drop(surplus)
                await self._membership.release(standing.surplus)
        except BusUnavailable:
            self._group_changed = True
            raise

    async def _adopt(self, holds: Mapping[TopicPartition, Hold]) -> None:
        await self._drop({at for at, hold in self._holds.items() if at not in holds or holds[at].epoch != hold.epoch})
        new = {at: hold for at, hold in holds.items() if at not in self._holds}
        self._holds.update(new)
        self._positions.update({at: hold.committed or 0 for at, hold in new.items()})
        if new:
            log.info("bus_partitions_assigned", group=self._membership.group, partitions=len(new))
            await self._tell(self._on_assigned, frozenset(new))

    async def _drop(self, lost: set[TopicPartition]) -> None:
        for at in lost:
            del self._holds[at], self._positions[at]
        self._paused -= lost
        if lost:
            log.info("bus_partitions_revoked", group=self._membership.group, partitions=len(lost))
            await self._tell(self._on_revoked, frozenset(lost))

    async def _tell(self, listener: AssignmentListener | None, partitions: frozenset[TopicPartition]) -> None:
        if listener is None:
            return
        try:
            await listener(partitions)
        except Exception:
            # As with Kafka: a listener's failure must not stop the reader, so nothing may depend on a listener.
            log.exception("bus_assignment_listener_failed", group=self._membership.group)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._times.lease / 3)
            if time.monotonic() - self._polled_at > self._times.max_poll_interval:
                continue
            with suppress(BusUnavailable):
                if await self._membership.keep_alive():
                    self._look_at_group()

    async def _wait(self, seconds: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _look_at_group(self) -> None:
        self._group_changed = True
        self._wake.set()

    def _unsubscribe(self) -> None:
        self._wakeups.unsubscribe(self._wake.set)
        self._wakeups.unsubscribe(self._look_at_group)


_FETCH = """
SELECT r.log_id, r.record_offset, r.key, r.value, r.headers, r.timestamp_ms
FROM unnest($1::integer[], $2::bigint[]) AS wanted (log_id, next)
CROSS JOIN LATERAL (
    SELECT * FROM record WHERE record.log_id = wanted.log_id AND record_offset >= wanted.next ORDER BY record_offset LIMIT $3
) AS r
LIMIT $3
"""
_BOUNDS = """
SELECT name, partition, next_offset, coalesce(first.record_offset, next_offset) AS first_offset
FROM log JOIN topic ON topic.id = topic_id LEFT JOIN LATERAL (
    SELECT record_offset FROM record WHERE log_id = log.id ORDER BY record_offset LIMIT 1
) AS first ON true
WHERE (name, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
"""
# `next_offset` and the records below it become visible together.
_ASTRAY = """
SELECT log.id, CASE WHEN next_offset > wanted.next THEN next_offset ELSE coalesce(first.record_offset, next_offset) END
FROM unnest($1::integer[], $2::bigint[]) AS wanted (log_id, next) JOIN log ON log.id = wanted.log_id LEFT JOIN LATERAL (
    SELECT record_offset FROM record WHERE record.log_id = log.id ORDER BY record_offset LIMIT 1
) AS first ON true
WHERE next_offset <> wanted.next
    AND NOT EXISTS (SELECT FROM record WHERE record.log_id = wanted.log_id AND record_offset >= wanted.next)
"""
