"""The embedded log as a `Bus`."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Self
from uuid import uuid4

import asyncpg

from guanxi_common.messaging.bus import AssignmentListener, BusError, BusUnavailable, TopicSpec
from guanxi_common.messaging.embedded import maintenance
from guanxi_common.messaging.embedded.consumer import EmbeddedConsumer, ReadingTimes
from guanxi_common.messaging.embedded.database import Connection, Pool, open_pool, reported
from guanxi_common.messaging.embedded.membership import Membership
from guanxi_common.messaging.embedded.producer import EmbeddedProducer, read_topics
from guanxi_common.messaging.embedded.wakeups import Wakeups, group_sign, topic_sign

POOL_SIZE = 8
_CLOSE_SECONDS = 5.0


class EmbeddedBus:
    """`Bus` on the database at `url`, which exists and is the log's alone. Make it with `open`."""

    def __init__(self, url: str, pool: Pool, times: ReadingTimes) -> None:
        self._pool = pool
        self._times = times
        self._wakeups = Wakeups(url, pool)

    @classmethod
    async def open(cls, url: str, *, times: ReadingTimes | None = None) -> Self:
        """Connect and install the schema if there is none. Raises `BusUnavailable`."""
        return cls(url, await open_pool(url, POOL_SIZE), times or ReadingTimes())

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """As `Bus`; an existing topic takes over the clean-up policy and retention given, for which it takes the log's owner."""
        with reported():
            async with self._pool.acquire() as connection, connection.transaction():
                present = {tuple(row) for row in await connection.fetch(_TOPICS)}
                topics = [t for t in topics if (t.name, t.partitions, t.cleanup, t.retention_ms) not in present]
                try:
                    await _ensure(connection, topics)
                except asyncpg.InsufficientPrivilegeError as error:
                    raise BusError(f"only the log's owner makes topics: {', '.join(t.name for t in topics)}") from error

    async def producer(self) -> EmbeddedProducer:
        return EmbeddedProducer(self._pool, self._wakeups)

    async def consumer(
        self,
        *,
        group: str,
        topics: Sequence[str],
        on_assigned: AssignmentListener | None = None,
        on_revoked: AssignmentListener | None = None,
    ) -> EmbeddedConsumer:
        with reported():
            known = await read_topics(self._pool, topics)
        if missing := set(topics) - known.keys():
            raise BusError(f"unknown topics: {', '.join(sorted(missing))}")
        topic_ids = sorted(topic.id for topic in known.values())
        membership = Membership(self._pool, group=group, member=uuid4(), topic_ids=topic_ids, lease_seconds=self._times.lease)
        consumer = EmbeddedConsumer(self._pool, self._wakeups, membership, self._times, on_assigned, on_revoked)
        await consumer.start([topic_sign(topic_id) for topic_id in topic_ids], group_sign(group))
        return consumer

    async def maintain(self, *, tombstone_retention_ms: int = maintenance.TOMBSTONE_RETENTION_MS) -> int:
        """Apply retention and compaction; returns the number of records deleted. For a job, every few minutes."""
        return await maintenance.maintain(self._pool, tombstone_retention_ms=tombstone_retention_ms)

    async def close(self) -> None:
        """Close the connections. Close producers and consumers before."""
        await self._wakeups.close()
        # A connection that a cancelled task held is given back a moment later; after the time-out the pool ends the rest.
        with suppress(BusUnavailable), reported():
            await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)


async def _ensure(connection: Connection, topics: Sequence[TopicSpec]) -> None:
    for topic in sorted(topics, key=lambda topic: topic.name):
        row = await connection.fetchrow(_ENSURE_TOPIC, topic.name, topic.partitions, topic.cleanup, topic.retention_ms)
        if row["partitions"] != topic.partitions:
            raise BusError(f"{topic.name} has {row['partitions']} partitions, {topic.partitions} are specified")
        await connection.execute(_ENSURE_LOGS, row["id"], topic.partitions)


_TOPICS = """
SELECT name, partitions, cleanup, retention_ms FROM topic
WHERE partitions = (SELECT count(*) FROM log WHERE log.topic_id = topic.id)
"""
_ENSURE_TOPIC = """
INSERT INTO topic AS t (name, partitions, cleanup, retention_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET
    cleanup = CASE WHEN t.partitions = excluded.partitions THEN excluded.cleanup ELSE t.cleanup END,
    retention_ms = CASE WHEN t.partitions = excluded.partitions THEN excluded.retention_ms ELSE t.retention_ms END
RETURNING id, partitions
"""
_ENSURE_LOGS = """
INSERT INTO log (topic_id, partition) SELECT $1, number FROM generate_series(0, $2 - 1) AS number ORDER BY number
ON CONFLICT DO NOTHING
"""
