"""A relay that is killed while it publishes one row of many events, at a point that the seed chooses."""

import asyncio
from typing import Final

from guanxi_common.messaging.outbox.rows import PendingRow, shard_of
from guanxi_contracts.codec import encode

from guanxi_testing.simulation.checks import check_end
from guanxi_testing.simulation.faults import Faults, Setting
from guanxi_testing.simulation.loop import Process, run_virtually
from guanxi_testing.simulation.world import World, named
from guanxi_testing.simulation.writers import CHANGED, CHANGES, FACTS, OPENED, SNAPSHOT, SNAPSHOTS

EVENTS: Final = 40
CUTS: Final = 15
REQUESTS: Final = 24
"""A little more than an undisturbed pass makes: some relays live through it."""


def run_kill(seed: int) -> bool:
    """Run a seed; whether the relay left the row half published. Raises `InvariantViolated` as `run_seed` does."""
    world = _KilledRelay(seed)
    with named(seed):
        run_virtually(world.run())
    return world.half_published


class _KilledRelay(World):
    def __init__(self, seed: int) -> None:
        super().__init__(seed, faults=Faults(), setting=Setting(mixed=False, restored=False, dead_letter_limit=1_000))
        self.broker.cuts = CUTS
        self.writers.edits_left = 0
        self.half_published = False

    async def run(self) -> None:
        self._fill_outbox()
        victim = Process("relay 0", self.random, self.relay, dies_at=self.random.randint(1, REQUESTS))
        victim.start()
        await asyncio.sleep(1)
        victim.kill()
        arrived = {record.topic: 0 for record in map(encode, self.ledger.committed.values())}
        for at, log in self.broker.logs.items():
            arrived[at.topic] += len(log)
        self.half_published = any(0 < count < EVENTS for count in arrived.values())
        processes = [Process("relay 1", self.random, self.relay), Process("consumer 0", self.random, self.consume)]
        for process in processes:
            process.start()
        await self.rest(lambda: not self.database.tables.outbox and not self.database.tables.parked)
        check_end(self.database, self.broker, self.ledger, self.kinds)
        for process in processes:
            process.kill()

    def _fill_outbox(self) -> None:
        """A row of facts of several keys, and one key's changes and snapshots in a row each."""
        keys = [name for name in (f"c{number}" for number in range(100)) if shard_of(name.encode()) == shard_of(b"c0")]
        for topic, type_ in ((FACTS, OPENED), (CHANGES, CHANGED), (SNAPSHOTS, SNAPSHOT)):
            facts = topic == FACTS
            events = [
                self.writers.event(topic, type_, keys[n % len(keys)] if facts else "c0", None if facts else n + 1)
                for n in range(EVENTS)
            ]
            sequence = self.database.next_sequence()
            self.database.tables.outbox[sequence] = PendingRow(sequence, shard_of(b"c0"), topic, tuple(map(encode, events)))
            self.ledger.committed.update({event.id: event for event in events})
        self.ledger.newest["c0"] = EVENTS
