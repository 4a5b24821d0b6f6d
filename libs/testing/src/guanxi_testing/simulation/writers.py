"""What the services of a simulated world write, and what is wrong with some of it."""

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import UUID

from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.outbox.rows import PendingRow, group_by_shard
from guanxi_contracts.codec import encode

from guanxi_testing.simulation.broker import SimulatedBroker
from guanxi_testing.simulation.checks import Ledger
from guanxi_testing.simulation.loop import Process
from guanxi_testing.simulation.storage import SimulatedDatabase

FACTS: Final = "engagement.activities"
CHANGES: Final = "customer.changes"
SNAPSHOTS: Final = "customer.snapshots"
OPENED: Final = "guanxi.task.opened.v1"
CHANGED: Final = "guanxi.customer.changed.v1"
ASSIGNED: Final = "guanxi.customer.assigned.v1"
SNAPSHOT: Final = "guanxi.customer.snapshot.v1"
CHANGED_ANEW: Final = "guanxi.customer.changed.v2"
"""Of the newer release."""

EDITS: Final = 30
ALWAYS: Final = 10**9


class Writers:
    """The writing side of a world: every process of it writes by `run`."""

    def __init__(self, random: Random, database: SimulatedDatabase, broker: SimulatedBroker, ledger: Ledger) -> None:
        self._random = random
        self._database = database
        self._broker = broker
        self._ledger = ledger
        self._keys = [f"c{n}" for n in range(random.randint(2, 6))]
        self._locks = {key: asyncio.Lock() for key in self._keys}
        self.edits_left = EDITS

    def some_key(self) -> str:
        return self._random.choice(self._keys)

    async def run(self, process: Process, *, newer: bool) -> None:
        """Write until all writers together have done their edits. The newer release writes what the older one does not know."""
        while self.edits_left:
            self.edits_left -= 1
            await process.pause(0.001, 0.2)
            if process.random.random() < 0.6:
                await self._edit(process, process.random.choice(self._keys), newer=newer)
            else:
                await self._take_in(process, newer=newer)

    async def _edit(self, process: Process, key: str, *, newer: bool) -> None:
        """One edit of an aggregate: its row is locked, its version bumped, then the events are appended."""
        async with self._locks[key]:
            await process.pause()
            version = self._ledger.newest.get(key, 0) + 1
            assigned = process.random.random() < 0.2
            changed = CHANGED_ANEW if newer and process.random.random() < 0.3 else CHANGED
            change = self.event(CHANGES, ASSIGNED if assigned else changed, key, version)
            snapshot = self.event(SNAPSHOTS, SNAPSHOT, key, version)
            if await self._commit(process, [[change], [snapshot]], newer=newer):
                self._ledger.newest[key] = version
                if assigned:
                    self._ledger.ignored.add(change.id)
                    return
                if changed == CHANGED_ANEW:
                    self._ledger.newer.add(change.id)
                else:
                    self._maybe_poison(change)
                if version > 1:  # the first one is the baseline: nothing tells a consumer that it is missing
                    self._maybe_make_unstorable(change, snapshot)

    async def _take_in(self, process: Process, *, newer: bool) -> None:
        """A batch of facts, one row per shard."""
        facts = [self.event(FACTS, OPENED, process.random.choice(self._keys), None) for _ in range(process.random.randint(1, 6))]
        if await self._commit(process, [facts], newer=newer):
            for fact in facts:
                self._maybe_poison(fact)
            self._maybe_make_unstorable(facts[-1])
            if process.random.random() < 0.1:
                self._broker.refused.add(str(facts[0].id).encode())

    async def _commit(self, process: Process, groups: list[list[Envelope]], *, newer: bool) -> bool:
        """Append and commit, or not; whether it was committed. A kill before the commit leaves nothing."""
        rows = []
        for events in groups:
            for (topic, shard), records in group_by_shard([encode(event) for event in events]).items():
                rows.append(PendingRow(self._database.next_sequence(), shard, topic, tuple(records)))
            await process.pause(0.0005, 0.05)  # a long transaction becomes visible after later ones
        if process.random.random() < 0.1:
            return False
        tables = self._database.tables
        tables.outbox.update({row.sequence: row for row in rows})
        for row in rows:
            if newer and process.random.random() < 0.2:
                tables.newer_rows.add(row.sequence)
            if row.topic == FACTS and process.random.random() < self._database.faults.corrupt:
                tables.corrupt_rows.add(row.sequence)
        self._ledger.committed.update({event.id: event for events in groups for event in events})
        return True

    def event(self, topic: str, type_: str, key: str, version: int | None) -> Envelope:
        event_id = UUID(int=self._random.getrandbits(128))
        return Envelope(event_id, type_, topic, key, "/simulation", datetime(2026, 11, 23, tzinfo=UTC), {"key": key}, version)

    def _maybe_poison(self, event: Envelope) -> None:
        if self._random.random() < 0.06:
            self._ledger.poisoned[event.id] = self._random.choice(["replay", "skip"])

    def _maybe_make_unstorable(self, *events: Envelope) -> None:
        for event in events:
            if event.id not in self._ledger.poisoned and self._random.random() < self._database.faults.unstorable:
                times = self._random.choice([1, 2, 3, ALWAYS])
                self._database.unstorable[event.id] = times
                self._ledger.unstorable.add(event.id)
                if times == ALWAYS:
                    self._ledger.never_storable.add(event.id)
