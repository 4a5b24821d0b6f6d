"""One run: writers, relays and consumers in a faulty world, which then heals and must come to rest with every promise kept."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from random import Random
from typing import Any, Final
from uuid import UUID

import structlog
from guanxi_contracts.codec import encode
from guanxi_contracts.topics import topic_kinds

from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.outbox.rows import PendingRow, group_by_shard
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, RunnerSettings, Subscription
from guanxi_common.testing.simulation.broker import Faults, SimulatedBroker, SimulatedBus
from guanxi_common.testing.simulation.checks import InvariantViolated, Ledger, check_end, check_offset, check_poisoned_keys
from guanxi_common.testing.simulation.loop import Process, run_virtually
from guanxi_common.testing.simulation.storage import SimulatedDatabase, SimulatedInbox, SimulatedOutbox

FACTS: Final = "engagement.activities"
CHANGES: Final = "customer.changes"
SNAPSHOTS: Final = "customer.snapshots"
OPENED: Final = "guanxi.task.opened.v1"
CHANGED: Final = "guanxi.customer.changed.v1"
ASSIGNED: Final = "guanxi.customer.assigned.v1"
SNAPSHOT: Final = "guanxi.customer.snapshot.v1"

GROUP: Final = "simulated"
EDITS: Final = 30
CHAOS_SECONDS: Final = 4.0
REST_DEADLINE: Final = 120.0
SETTINGS: Final = RunnerSettings(
    max_records=8,
    poll_timeout=0.3,
    batch_deadline=1.5,
    first_backoff=0.05,
    longest_backoff=0.5,
    release_interval=0.4,
    stall_check_interval=2.0,
    stalled_after=20.0,
    dead_letter_limit=1_000,
)


def run_seed(seed: int) -> str:
    """Run a seed; return a digest of what happened, the same for the same seed.

    Raises `InvariantViolated`, with the seed, if the run breaks a promise or a part ends with an error.
    """
    with _silence():
        world = World(seed)
        try:
            run_virtually(world.run())
        except Exception as error:
            raise InvariantViolated(f"seed {seed}: {type(error).__name__}: {error}") from error
    return world.digest()


@contextmanager
def _silence() -> Iterator[None]:
    """Thousands of simulated failures are no news for the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.faults = _draw_faults(self.random)
        self.ledger = Ledger()
        self.kinds = dict(topic_kinds())
        self.database = SimulatedDatabase(self.faults)
        self.broker = SimulatedBroker(self.random, self.faults, [FACTS, CHANGES, SNAPSHOTS], self._check_offset)
        self._keys = [f"c{n}" for n in range(self.random.randint(2, 6))]
        self._locks = {key: asyncio.Lock() for key in self._keys}
        self._edits_left = EDITS
        self._cured: set[UUID] = set()
        self._mains: list[tuple[str, Callable[[Process], Any]]] = [
            *((f"writer {n}", self._write) for n in range(3)),
            *((f"relay {n}", self._relay) for n in range(2)),
            *((f"consumer {n}", self._consume) for n in range(3)),
        ]
        self._processes: list[Process] = []

    def _check_offset(self, at: TopicPartition, before: int, offset: int) -> None:
        check_offset(self.database, self.kinds, self.broker.logs[at], before, offset, at)

    async def run(self) -> None:
        self._processes = [self._start(name, main) for name, main in self._mains]
        await self._chaos()
        self._heal()
        await self._rest(lambda: self.database.tables.outbox.keys() == self.database.tables.blocked_rows)
        check_poisoned_keys(self.database, self.ledger)
        self.broker.refused.clear()
        self.database.unblock()
        tables = self.database.tables
        await self._rest(lambda: not self._settle_letters() and not tables.outbox and not tables.parked)
        check_end(self.database, self.broker, self.ledger, self.kinds)
        for process in self._processes:
            process.kill()

    def digest(self) -> str:
        """What was applied in which order, and what the logs hold."""
        digest = blake2b(digest_size=8)
        for envelope in self.database.tables.applied:
            digest.update(envelope.id.bytes)
        for at, log in sorted(self.broker.logs.items()):
            digest.update(f"{at}{len(log)}".encode())
        return digest.hexdigest()

    def _start(self, name: str, main: Callable[[Process], Any]) -> Process:
        process = Process(name, self.random, main)
        process.start()
        return process

    async def _chaos(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < CHAOS_SECONDS:
            await asyncio.sleep(self.random.expovariate(4))
            self._raise_failures()
            if self.random.random() < 0.3:
                self.broker.forget_someone()
            else:
                victim = self.random.randrange(len(self._processes))
                self._processes[victim].kill()
                await asyncio.sleep(self.random.uniform(0, 0.3))
                self._processes[victim] = self._start(*self._mains[victim])

    def _raise_failures(self) -> None:
        for process in self._processes:
            process.raise_if_failed()

    def _heal(self) -> None:
        for name in Faults.__dataclass_fields__:
            setattr(self.faults, name, 0.0)

    def _settle_letters(self) -> int:
        """The operator settles every open dead letter; how many there were."""
        letters = [letter for letter in self.database.tables.letters.values() if letter.resolution is None]
        for letter in letters:
            if letter.event_id is None or self.ledger.poisoned[letter.event_id] == "skip":
                letter.resolution = "skipped"
            else:
                self._cured.add(letter.event_id)
                letter.replay_requested = True
        return len(letters)

    async def _rest(self, done: Callable[[], bool]) -> None:
        """Wait until the writers are done, the group has read everything, and `done`; twice in a row, for late deliveries."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + REST_DEADLINE
        calm = 0
        while calm < 2:
            await asyncio.sleep(0.8)
            self._raise_failures()
            committed = self.broker.groups[GROUP].committed
            read = all(committed[at] == len(log) for at, log in self.broker.logs.items())
            calm = calm + 1 if done() and read and not self._edits_left else 0
            if loop.time() > deadline:
                raise InvariantViolated("it does not come to rest")

    async def _relay(self, process: Process) -> None:
        store, bus = SimulatedOutbox(self.database, process), SimulatedBus(self.broker, process)
        await Relay(store, bus, lanes=1).run(asyncio.Event())

    async def _consume(self, process: Process) -> None:
        async def handle(uow: Any, events: Sequence[Envelope]) -> None:
            await self._handle(process, uow, events)

        subscriptions = [
            Subscription(FACTS, {OPENED: handle}),
            Subscription(CHANGES, {CHANGED: handle}),
            Subscription(SNAPSHOTS, {SNAPSHOT: handle}),
        ]
        store, bus = SimulatedInbox(self.database, process), SimulatedBus(self.broker, process)
        await ConsumerRunner(store, bus, GROUP, subscriptions, settings=SETTINGS).run(asyncio.Event())

    async def _handle(self, process: Process, uow: Any, events: Sequence[Envelope]) -> None:
        await process.pause()
        if process.random.random() < self.faults.handler_slow:
            await asyncio.sleep(2 * SETTINGS.batch_deadline)
        for event in events:
            if event.id in self.ledger.poisoned and event.id not in self._cured:
                raise PermanentError("poisoned")
            uow.effects.append(event)
        if process.random.random() < self.faults.handler_fails:
            raise ConnectionError("the database is away")

    async def _write(self, process: Process) -> None:
        while self._edits_left:
            self._edits_left -= 1
            await process.pause(0.001, 0.2)
            if process.random.random() < 0.6:
                await self._edit(process, process.random.choice(self._keys))
            else:
                await self._take_in(process)

    async def _edit(self, process: Process, key: str) -> None:
        """One edit of an aggregate: its row is locked, its version bumped, then the events are appended."""
        async with self._locks[key]:
            await process.pause()
            version = self.ledger.newest.get(key, 0) + 1
            assigned = process.random.random() < 0.2
            change = self._event(CHANGES, ASSIGNED if assigned else CHANGED, key, version)
            snapshot = self._event(SNAPSHOTS, SNAPSHOT, key, version)
            if await self._commit(process, [[change], [snapshot]]):
                self.ledger.newest[key] = version
                if assigned:
                    self.ledger.ignored.add(change.id)
                else:
                    self._maybe_poison(change)

    async def _take_in(self, process: Process) -> None:
        """A batch of facts, one row per shard."""
        facts = [self._event(FACTS, OPENED, process.random.choice(self._keys), None) for _ in range(process.random.randint(1, 6))]
        if await self._commit(process, [facts]):
            for fact in facts:
                self._maybe_poison(fact)
            if process.random.random() < 0.1:
                self.broker.refused.add(str(facts[0].id).encode())

    async def _commit(self, process: Process, groups: list[list[Envelope]]) -> bool:
        """Append and commit, or not; whether it was committed. A kill before the commit leaves nothing."""
        rows = []
        for events in groups:
            for (topic, shard), records in group_by_shard([encode(event) for event in events]).items():
                rows.append(PendingRow(self.database.next_sequence(), shard, topic, tuple(records)))
            await process.pause(0.0005, 0.05)  # a long transaction becomes visible after later ones
        if process.random.random() < 0.1:
            return False
        self.database.tables.outbox.update({row.sequence: row for row in rows})
        self.ledger.committed.update({event.id: event for events in groups for event in events})
        return True

    def _event(self, topic: str, type_: str, key: str, version: int | None) -> Envelope:
        event_id = UUID(int=self.random.getrandbits(128))
        return Envelope(event_id, type_, topic, key, "/simulation", datetime(2026, 11, 23, tzinfo=UTC), {"key": key}, version)

    def _maybe_poison(self, event: Envelope) -> None:
        if self.random.random() < 0.06:
            self.ledger.poisoned[event.id] = self.random.choice(["replay", "skip"])


def _draw_faults(random: Random) -> Faults:
    """Each fault is absent in some worlds, so that none can hide another."""

    def drawn(highest: float) -> float:
        return random.choice([0.0, random.uniform(0, highest)])

    return Faults(
        lost=drawn(0.1),
        ack_lost=drawn(0.1),
        late=drawn(0.1),
        duplicated=drawn(0.3),
        broker_down=drawn(0.05),
        transaction_lost=drawn(0.03),
        handler_fails=drawn(0.15),
        handler_slow=drawn(0.03),
        disorder=random.choice([0.0, 0.0, 0.2]),
    )
