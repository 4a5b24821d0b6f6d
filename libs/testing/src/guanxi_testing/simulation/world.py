"""One run: writers, relays and consumers in a faulty world, which then heals and must come to rest with every promise kept."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from random import Random
from typing import Any, Final

import structlog
from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.runner import ConsumerRunner, RunnerSettings, Subscription
from guanxi_contracts.topics import topic_kinds

from guanxi_testing.simulation.broker import SimulatedBroker, SimulatedBus
from guanxi_testing.simulation.checks import InvariantViolated, Ledger, check_before_the_operator, check_end, check_offset
from guanxi_testing.simulation.faults import Faults, Setting, draw_faults, draw_setting
from guanxi_testing.simulation.foreign import foreign_record
from guanxi_testing.simulation.loop import Process, run_virtually
from guanxi_testing.simulation.operator import Operator
from guanxi_testing.simulation.storage import SimulatedDatabase
from guanxi_testing.simulation.storage_inbox import SimulatedInbox
from guanxi_testing.simulation.storage_outbox import SimulatedOutbox
from guanxi_testing.simulation.writers import (
    ASSIGNED,
    CHANGED,
    CHANGED_ANEW,
    CHANGES,
    FACTS,
    OPENED,
    SNAPSHOT,
    SNAPSHOTS,
    Writers,
)

GROUP: Final = "simulated"
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
)


def run_seed(seed: int) -> str:
    """Run a seed; return a digest of what happened, the same for the same seed.

    Raises `InvariantViolated`, with the seed, if the run breaks a promise or a part ends with an error.
    """
    world = World(seed)
    with named(seed):
        run_virtually(world.run())
    return world.digest()


@contextmanager
def named(seed: int) -> Iterator[None]:
    """Any failure becomes an `InvariantViolated` with the seed. Thousands of simulated failures are no news for the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    except Exception as error:
        raise InvariantViolated(f"seed {seed}: {type(error).__name__}: {error}") from error
    finally:
        structlog.configure(**before)


class World:
    def __init__(self, seed: int, *, faults: Faults | None = None, setting: Setting | None = None) -> None:
        self.random = Random(seed)
        self.faults = faults or draw_faults(self.random)
        self.setting = setting or draw_setting(self.random)
        self.ledger = Ledger()
        self.kinds = dict(topic_kinds())
        self.database = SimulatedDatabase(self.faults, self.setting.dead_letter_limit)
        self.broker = SimulatedBroker(self.random, self.faults, [FACTS, CHANGES, SNAPSHOTS], self._check_offset)
        self._operator = Operator(self.database, self.broker, self.ledger)
        self.writers = Writers(self.random, self.database, self.broker, self.ledger)
        self._rolled_forward = not self.setting.mixed
        self._mains: list[tuple[str, Callable[[Process], Any]]] = [
            *((f"writer {n}", self._write) for n in range(3)),
            *((f"relay {n}", self.relay) for n in range(2)),
            *((f"consumer {n}", self.consume) for n in range(3)),
        ]
        self._processes: list[Process] = []

    def _check_offset(self, at: TopicPartition, before: int, offset: int) -> None:
        check_offset(self.database, self.kinds, self.broker.logs[at], before, offset, at)

    async def run(self) -> None:
        self._processes = [self._start(name, main) for name, main in self._mains]
        await self._chaos()
        self._heal()
        tables = self.database.tables
        await self.rest(lambda: tables.outbox.keys() == tables.blocked_rows)
        check_before_the_operator(self.database, self.broker, self.ledger)
        self._roll_forward()
        self._operator.clear_outbox()
        await self.rest(lambda: not self._operator.settle() and not tables.outbox and not tables.parked)
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
        dumped_at, restored_at = sorted(self.random.uniform(0.2, CHAOS_SECONDS) for _ in range(2))
        dump: dict[str, Any] | None = None
        waits_for_restore = self.setting.restored
        while loop.time() < CHAOS_SECONDS:
            await asyncio.sleep(self.random.expovariate(4))
            self._raise_failures()
            if self.random.random() < self.faults.foreign:
                topic = self.random.choice([FACTS, CHANGES, SNAPSHOTS])
                self.broker.append_foreign(foreign_record(self.random, topic, self.writers.some_key()))
            if self.random.random() < 0.3:
                self.broker.forget_someone()
            else:
                await self._kill(self.random.randrange(len(self._processes)))
            # A partition that a dump does not know is begun where the bus is: before the first reading there is nothing to restore.
            if dump is None and loop.time() > dumped_at and self.database.tables.positions.keys() == self.broker.logs.keys():
                dump = self.database.dump()
            elif dump is not None and waits_for_restore and loop.time() > restored_at:
                waits_for_restore = False
                self._restore(dump)

    async def _kill(self, place: int) -> None:
        self._processes[place].kill()
        await asyncio.sleep(self.random.uniform(0, 0.3))
        self._processes[place] = self._start(*self._mains[place])

    def _restore(self, dump: dict[str, Any]) -> None:
        """Set the consumers' database back while they are down, as a restore from a dump does."""
        self._restart("consumer", lambda: self.database.restore(dump))

    def _roll_forward(self) -> None:
        """From here on every process is of the newer release."""
        self._rolled_forward = True
        self._restart("", lambda: None)

    def _restart(self, kind: str, meanwhile: Callable[[], None]) -> None:
        places = [place for place, (name, _) in enumerate(self._mains) if name.startswith(kind)]
        for place in places:
            self._processes[place].kill()
        meanwhile()
        for place in places:
            self._processes[place] = self._start(*self._mains[place])

    def _is_newer(self, process: Process) -> bool:
        """Until the roll-forward the last process of each kind is of the newer release, where two run."""
        return self._rolled_forward or process.name in {"writer 2", "relay 1", "consumer 2"}

    def _raise_failures(self) -> None:
        for process in self._processes:
            process.raise_if_failed()

    def _heal(self) -> None:
        for name in Faults.__dataclass_fields__:
            setattr(self.faults, name, 0.0)

    async def rest(self, done: Callable[[], bool]) -> None:
        """Wait until the writers are done, the group has read everything, and `done`; twice in a row, for late deliveries."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + REST_DEADLINE
        calm = 0
        while calm < 2:
            await asyncio.sleep(0.8)
            self._raise_failures()
            committed, paused = self.broker.groups[GROUP].committed, self.database.tables.paused()
            read = all(committed[at] == len(log) for at, log in self.broker.logs.items() if at not in paused)
            calm = calm + 1 if done() and read and not self.writers.edits_left else 0
            if loop.time() > deadline:
                raise InvariantViolated("it does not come to rest")

    async def _write(self, process: Process) -> None:
        await self.writers.run(process, newer=self.setting.mixed and self._is_newer(process))

    async def relay(self, process: Process) -> None:
        store = SimulatedOutbox(self.database, process, newer=self._is_newer(process))
        await Relay(store, SimulatedBus(self.broker, process), lanes=1).run(asyncio.Event())

    async def consume(self, process: Process) -> None:
        async def handle(uow: Any, events: Sequence[Envelope]) -> None:
            await self._handle(process, uow, events)

        newer = [CHANGED_ANEW, ASSIGNED] if self.setting.mixed and self._is_newer(process) else []
        subscriptions = [
            Subscription(FACTS, {OPENED: handle}),
            Subscription(CHANGES, dict.fromkeys([CHANGED, *newer], handle)),
            Subscription(SNAPSHOTS, {SNAPSHOT: handle}),
        ]
        store, bus = SimulatedInbox(self.database, process), SimulatedBus(self.broker, process)
        settings = replace(SETTINGS, dead_letter_limit=self.setting.dead_letter_limit)
        await ConsumerRunner(store, bus, GROUP, subscriptions, settings=settings).run(asyncio.Event())

    async def _handle(self, process: Process, uow: Any, events: Sequence[Envelope]) -> None:
        await process.pause()
        if process.random.random() < self.faults.handler_slow:
            await asyncio.sleep(2 * SETTINGS.batch_deadline)
        for event in events:
            if event.id in self.ledger.poisoned and event.id not in self._operator.cured:
                raise PermanentError("poisoned")
            uow.effects.append(event)
        if process.random.random() < self.faults.handler_fails:
            raise ConnectionError("the database is away")
