"""The outbox of the simulated database, as the relay sees it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from guanxi_common.messaging.outbox.delivery import KeyId, Outcome
from guanxi_common.messaging.outbox.rows import PendingRow, common_key, pending_row

from guanxi_testing.simulation.loop import Process
from guanxi_testing.simulation.storage import UNKNOWN_FORM, SimulatedDatabase, Transaction


class SimulatedOutbox:
    """`OutboxStore`, as the older or the newer release reads it."""

    def __init__(self, database: SimulatedDatabase, process: Process, *, newer: bool = True) -> None:
        self._database = database
        self._process = process
        self._newer = newer

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["SimulatedPass"]:
        transaction = SimulatedPass(self._database, self._process, newer=self._newer)
        try:
            yield transaction
        finally:
            transaction.close()

    async def backlog_age(self) -> timedelta:
        await self._process.pause()
        return timedelta(0)


class SimulatedPass(Transaction):
    """`OutboxPass`."""

    def __init__(self, database: SimulatedDatabase, process: Process, *, newer: bool) -> None:
        super().__init__(database, process)
        self._newer = newer
        self._outcome: Outcome | None = None

    def _ready(self) -> list[PendingRow]:
        tables = self._database.tables
        return [row for number, row in sorted(tables.outbox.items()) if number not in tables.blocked_rows]

    async def lock_shards(self, limit: int) -> Sequence[int]:
        await self._round_trip()
        free = sorted({row.shard for row in self._ready()} - self._database.shard_locks.keys())
        self._process.random.shuffle(free)
        self._database.shard_locks.update(dict.fromkeys(free[:limit], self))
        return free[:limit]

    async def read(self, shards: Sequence[int], max_events: int) -> Sequence[PendingRow]:  # noqa: ARG002  # a drawn number
        await self._round_trip()
        rows = [row for row in self._ready() if row.shard in shards]
        return [self._unpacked(row) for row in rows[: self._process.random.randint(1, 12)]]

    def _unpacked(self, row: PendingRow) -> PendingRow:
        tables = self._database.tables
        if row.sequence in tables.corrupt_rows or (row.sequence in tables.newer_rows and not self._newer):
            return pending_row(row.sequence, row.shard, row.topic, common_key(row.records), UNKNOWN_FORM, row.attempts)
        return row

    async def blocked_keys(self, shards: Sequence[int]) -> frozenset[KeyId]:  # noqa: ARG002  # more does no harm
        await self._round_trip()
        return frozenset(self._database.tables.blocked_keys)

    async def settle(self, outcome: Outcome) -> None:
        await self._round_trip()
        self._outcome = outcome

    def _carry_out(self) -> None:
        tables, outcome = self._database.tables, self._outcome
        if outcome is not None:
            for sequence in outcome.published:
                del tables.outbox[sequence]
            for sequence, records in outcome.remaining.items():
                row = tables.outbox[sequence]
                tables.outbox[sequence] = PendingRow(sequence, row.shard, row.topic, records)
                tables.blocked_rows.add(sequence)
            tables.blocked_rows.update(outcome.set_aside)
            tables.blocked_keys.update({key: row.sequence for key, (row, _) in outcome.blocked.items()})

    def _end(self) -> None:
        locks = self._database.shard_locks
        for shard in [shard for shard, holder in locks.items() if holder is self]:
            del locks[shard]
