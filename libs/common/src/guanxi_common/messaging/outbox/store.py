"""The relay's store: a protocol, and its implementation on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.outbox.backlog import backlog_age
from guanxi_common.messaging.outbox.delivery import KeyId, Outcome
from guanxi_common.messaging.outbox.rows import SHARDS, PendingRow, pending_row, row_values

LOCK_CLASS: Final = 0x6F757462
"""The first half of the advisory lock of a shard; the second is the shard."""

ROWS_PER_SHARD: Final = 500

_LOCK = f"""
SELECT shard FROM (
    SELECT s.shard FROM generate_series(0, {SHARDS - 1}) AS s (shard)
    WHERE EXISTS (SELECT FROM outbox AS o WHERE o.shard = s.shard AND o.published_at IS NULL AND o.blocked_at IS NULL)
    ORDER BY random() OFFSET 0
) AS due
WHERE pg_try_advisory_xact_lock({LOCK_CLASS}, shard) LIMIT $1
"""  # noqa: S608  # constants

_READ = f"""
SELECT sequence, shard, topic, key, payload, attempts FROM (
    SELECT o.*, sum(o.event_count) OVER (PARTITION BY o.shard ORDER BY o.sequence) - o.event_count AS events_before
    FROM unnest($1::int[]) AS s (shard)
    CROSS JOIN LATERAL (
        SELECT * FROM outbox WHERE shard = s.shard AND published_at IS NULL AND blocked_at IS NULL
        ORDER BY sequence LIMIT {ROWS_PER_SHARD}
    ) AS o
) AS oldest
WHERE events_before < $2 ORDER BY sequence
"""  # noqa: S608  # constants

_MARK = "UPDATE outbox SET published_at = clock_timestamp(), last_error = NULL WHERE sequence = ANY($1::bigint[])"

_FAIL = """
UPDATE outbox AS o SET attempts = o.attempts + 1, last_error = f.error
FROM unnest($1::bigint[], $2::text[]) AS f (sequence, error) WHERE o.sequence = f.sequence
"""

_KEEP_REST = """
UPDATE outbox AS o SET key = r.key, payload = r.payload, event_count = r.event_count, blocked_at = clock_timestamp()
FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::int[]) AS r (sequence, key, payload, event_count)
WHERE o.sequence = r.sequence
"""

_SET_ASIDE = """
UPDATE outbox AS o SET blocked_at = clock_timestamp(), last_error = f.error
FROM unnest($1::bigint[], $2::text[]) AS f (sequence, error) WHERE o.sequence = f.sequence
"""

_BLOCK = "INSERT INTO outbox_blocked_key (topic, key, shard, sequence, error) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"


class OutboxPass(Protocol):
    """One transaction of the relay."""

    async def lock_shards(self, limit: int) -> Sequence[int]:
        """Lock up to `limit` shards that have rows to send and that nobody else has locked."""
        ...

    async def read(self, shards: Sequence[int], max_events: int) -> Sequence[PendingRow]:
        """The oldest rows to send, by sequence: of each shard at least one, and rows until its share of `max_events` is full."""
        ...

    async def blocked_keys(self, shards: Sequence[int]) -> frozenset[KeyId]: ...

    async def settle(self, outcome: Outcome) -> None: ...

    async def commit(self) -> None: ...


class OutboxStore(Protocol):
    def begin(self) -> AbstractAsyncContextManager[OutboxPass]:
        """Open a pass; what is not committed is rolled back and its locks end."""
        ...

    async def backlog_age(self) -> timedelta: ...


class PostgresOutbox:
    """The outbox of a service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[OutboxPass]:
        async with self._database.transaction() as uow:
            yield PostgresOutboxPass(uow)

    async def backlog_age(self) -> timedelta:
        async with self._database.transaction(readonly=True) as uow:
            return await backlog_age(uow)


class PostgresOutboxPass:
    """The locks are taken in a statement before the rows are read: a snapshot older than the lock would show rows that the
    last holder has published."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._driver = uow.driver

    async def lock_shards(self, limit: int) -> Sequence[int]:
        return [row["shard"] for row in await self._driver.fetch(_LOCK, limit)]

    async def read(self, shards: Sequence[int], max_events: int) -> Sequence[PendingRow]:
        rows = await self._driver.fetch(_READ, shards, max_events // len(shards))
        return [pending_row(*row) for row in rows]

    async def blocked_keys(self, shards: Sequence[int]) -> frozenset[KeyId]:
        rows = await self._driver.fetch("SELECT topic, key FROM outbox_blocked_key WHERE shard = ANY($1::int[])", shards)
        return frozenset((row["topic"], row["key"].encode()) for row in rows)

    async def settle(self, outcome: Outcome) -> None:
        if outcome.published:
            await self._driver.execute(_MARK, outcome.published)
        if outcome.failed:
            await self._driver.execute(_FAIL, list(outcome.failed), list(outcome.failed.values()))
        if outcome.remaining:
            await self._keep_rest(outcome)
        if outcome.set_aside:
            await self._driver.execute(_SET_ASIDE, list(outcome.set_aside), list(outcome.set_aside.values()))
        for (topic, key), (row, error) in outcome.blocked.items():
            await self._driver.execute(_BLOCK, topic, key.decode(), row.shard, row.sequence, error)

    async def _keep_rest(self, outcome: Outcome) -> None:
        values = [(sequence, *_rest(records)) for sequence, records in outcome.remaining.items()]
        await self._driver.execute(_KEEP_REST, *map(list, zip(*values, strict=True)))

    async def commit(self) -> None:
        await self._uow.commit()


def _rest(records: Sequence[Outgoing]) -> tuple[str | None, bytes, int]:
    _, _, key, payload, event_count = row_values(records, 0)
    return key, payload, event_count
