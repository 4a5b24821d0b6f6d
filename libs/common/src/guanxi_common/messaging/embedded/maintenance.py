"""Retention and compaction: what a job does now and then so that the log does not grow for ever."""

import structlog

from guanxi_common.messaging.embedded.database import Connection, Pool, reported

TOMBSTONE_RETENTION_MS = 24 * 3_600_000  # as Kafka's delete.retention.ms
_BATCH = 5_000
_MAINTENANCE_LOCK = 0x67784D61

log = structlog.get_logger(__name__)


async def maintain(pool: Pool, *, tombstone_retention_ms: int = TOMBSTONE_RETENTION_MS) -> int:
    """Delete records past their topic's retention, superseded ones of compacted topics, and old tombstones; returns how many.

    If another process is at it, does nothing. Raises `BusUnavailable`; then the next run does the rest.
    """
    deleted = 0
    with reported():
        async with pool.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _MAINTENANCE_LOCK):
                return 0
            try:
                for row in await connection.fetch(_LOGS):
                    if row["cleanup"] == "compact":
                        deleted += await _compact(connection, row["id"], row["next_offset"], row["compacted_to"])
                        deleted += await _forget(connection, row["id"], row["next_offset"], tombstone_retention_ms)
                    elif row["retention_ms"] is not None:
                        deleted += await _expire(connection, row["id"], row["retention_ms"])
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _MAINTENANCE_LOCK)
    log.info("bus_maintained", deleted=deleted)
    return deleted


async def _expire(connection: Connection, log_id: int, retention_ms: int) -> int:
    deleted = 0
    while batch := _count(await connection.execute(_EXPIRE, log_id, retention_ms, _BATCH)):
        deleted += batch
    return deleted


async def _compact(connection: Connection, log_id: int, end: int, compacted_to: int) -> int:
    if compacted_to == end:
        return 0
    async with connection.transaction():
        deleted = _count(await connection.execute(_COMPACT, log_id, compacted_to, end))
        await connection.execute("UPDATE log SET compacted_to = $2 WHERE id = $1", log_id, end)
    return deleted


async def _forget(connection: Connection, log_id: int, end: int, retention_ms: int) -> int:
    return _count(await connection.execute(_FORGET, log_id, end, retention_ms))


def _count(command_tag: str) -> int:
    return int(command_tag.rpartition(" ")[2])


_LOGS = """
SELECT log.id, cleanup, retention_ms, next_offset, compacted_to FROM log JOIN topic ON topic.id = topic_id ORDER BY log.id
"""
# Looks at the oldest only: a partition's timestamps grow with its offsets.
_EXPIRE = """
DELETE FROM record USING (
    SELECT record_offset AS last, timestamp_ms FROM record WHERE log_id = $1 ORDER BY record_offset LIMIT $3
) AS oldest
WHERE log_id = $1 AND record_offset = oldest.last AND oldest.timestamp_ms < now_ms() - $2
"""
_COMPACT = """
DELETE FROM record USING (
    SELECT key, max(record_offset) AS last FROM record
    WHERE log_id = $1 AND record_offset >= $2 AND record_offset < $3 GROUP BY key
) AS newest
WHERE record.log_id = $1 AND record.key = newest.key AND record.record_offset < newest.last
"""
_FORGET = """
DELETE FROM record WHERE log_id = $1 AND record_offset < $2 AND value IS NULL AND timestamp_ms < now_ms() - $3
"""
