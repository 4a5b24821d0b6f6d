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
                        deleted += await connection.fetchval("SELECT compact($1)", row["id"])
                        deleted += await connection.fetchval("SELECT forget($1, $2)", row["id"], tombstone_retention_ms)
                    elif row["retention_ms"] is not None:
                        deleted += await _expire(connection, row["id"])
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _MAINTENANCE_LOCK)
    log.info("bus_maintained", deleted=deleted)
    return deleted


async def _expire(connection: Connection, log_id: int) -> int:
    """A batch a transaction."""
    deleted = 0
    while batch := int(await connection.fetchval("SELECT expire($1, $2)", log_id, _BATCH)):
        deleted += batch
    return deleted


_LOGS = "SELECT log.id, cleanup, retention_ms FROM log JOIN topic ON topic.id = topic_id ORDER BY log.id"
