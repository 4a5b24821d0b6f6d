"""A rebuild takes nothing for read that was never applied: what lags, what waits, and the log made anew."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.messaging.bus import BusError, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_common.parts import first_of
from guanxi_common.recovery import rebuilds
from guanxi_common.recovery.rebuilds import LettersOpen, Rebuilder, Replica
from guanxi_common.recovery.tables import RECOVERY_TABLES
from guanxi_common.security.audit.tables import AUDIT_TABLES
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    FACTS,
    OPENED,
    QUICK,
    SNAPSHOT,
    SNAPSHOTS,
    Fabric,
    TaskOpened,
    expect_dead_letters,
    fact,
    record,
    record_effects,
)

pytestmark = pytest.mark.anyio


class Service:
    """Replicates facts and snapshots, tells an event of each fact, and cannot apply the numbers in `unfit`."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.unfit: set[int] = set()
        self.waited = asyncio.Event()
        self.replicas = [Replica(FACTS), Replica(SNAPSHOTS, {"customer": "kept.key"})]

    async def apply(self, uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        self._demand_fit(events)
        await record_effects(uow, events)
        for event in events:
            await outbox.append(uow, TaskOpened(customer_id="told", n=(event.data or {})["n"]))

    async def keep(self, uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        self._demand_fit(events)
        for event in events:
            await uow.driver.execute(
                "INSERT INTO customer VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET version = $2",
                event.key,
                event.version.number,
            )

    def _demand_fit(self, events: Sequence[Envelope]) -> None:
        if any((event.data or {})["n"] in self.unfit for event in events):
            raise PermanentError("unfit")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        subscriptions = [Subscription(FACTS, {OPENED: self.apply}), Subscription(SNAPSHOTS, {SNAPSHOT: self.keep})]
        runner = ConsumerRunner(self.fabric.database, self.fabric.bus, self.fabric.group, subscriptions, settings=QUICK)
        rebuilder = Rebuilder(self.fabric.database, runner.bounds, self.fabric.group, self.replicas)
        stop = asyncio.Event()

        async def rebuild() -> None:
            while not stop.is_set():
                went_on = False
                try:
                    went_on = await rebuilder.step()
                except LettersOpen:
                    self.waited.set()
                except BusError:
                    pass  # the consumer is on its way
                if not went_on:
                    await first_of(stop, timeout=0.1)

        tasks = [asyncio.create_task(runner.run(stop)), asyncio.create_task(rebuild())]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def ask(self, topic: str, *, cancel: bool = False) -> None:
        async with self.fabric.database.transaction() as uow:
            if cancel:
                await rebuilds.cancel(uow, [topic], "host:operator")
            else:
                statement = "INSERT INTO rebuild (topic, requested_by) VALUES ($1, 'host:operator')"
                await uow.driver.execute(statement, topic)
            await uow.commit()

    async def begin(self) -> None:
        """Take the step of the worker that begins a rebuild, and no other."""
        consumer = await self.fabric.bus.consumer(group=uuid4().hex, topics=[FACTS])

        async def bounds(partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
            starts, ends = await consumer.start_offsets(partitions), await consumer.end_offsets(partitions)
            return {at: (starts[at], ends[at]) for at in partitions}

        assert await Rebuilder(self.fabric.database, bounds, self.fabric.group, self.replicas).step()
        await consumer.close()

    async def open_rebuilds(self) -> int:
        return len(await self.fabric.fetch("SELECT FROM rebuild WHERE finished_at IS NULL"))

    async def applied(self) -> dict[int, int]:
        """number → how often the replica took it."""
        rows = await self.fabric.fetch("SELECT n, count(*) FROM effect GROUP BY n")
        return {row[0]: row[1] for row in rows}

    async def told(self) -> list[int]:
        """The numbers of the events that others got, sorted."""
        rows = await self.fabric.fetch("SELECT payload FROM outbox ORDER BY sequence")
        found = [part.partition(b'"n":')[2].partition(b"}")[0] for row in rows for part in [row[0]]]
        return sorted(int(number) for number in found)

    async def until_applied(self, expected: Mapping[int, int]) -> None:
        async def are() -> bool:
            return await self.applied() == expected

        await eventually(are)

    async def until_rebuilt(self) -> None:
        async def are() -> bool:
            return not await self.open_rebuilds()

        await eventually(are)


@pytest.fixture
async def service(fabric: Fabric) -> Service:
    async with fabric.database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=[*RECOVERY_TABLES, *AUDIT_TABLES]))
    return Service(fabric)


def numbered(*numbers: int) -> list[Any]:
    return [fact("one partition", n) for n in numbers]


async def test_d20_what_the_group_had_not_read_yet_has_its_effects_once_and_what_it_had_none_again(service: Service) -> None:
    await service.fabric.send(*numbered(0, 1, 2))
    async with service.running():
        await service.until_applied({0: 1, 1: 1, 2: 1})
    await service.fabric.send(*numbered(3, 4))
    await service.ask(FACTS)
    await service.begin()
    async with service.running():
        await service.until_rebuilt()
        assert await service.applied() == {0: 2, 1: 2, 2: 2, 3: 1, 4: 1}
        assert await service.told() == [0, 1, 2, 3, 4]
    assert await service.fabric.fetch("SELECT FROM consumer_position WHERE coalesce(replay_until, read_until) IS NOT NULL") == []


async def test_d20_a_rebuild_after_one_that_was_given_up_half_way_knows_what_had_its_effects(service: Service) -> None:
    await service.fabric.send(*numbered(0, 1, 2))
    async with service.running():
        await service.until_applied({0: 1, 1: 1, 2: 1})
    await service.fabric.send(*numbered(3))
    await service.ask(FACTS)
    await service.begin()
    await service.ask(FACTS, cancel=True)
    await service.ask(FACTS)
    await service.begin()
    async with service.running():
        await service.until_rebuilt()
    assert await service.applied() == {0: 2, 1: 2, 2: 2, 3: 1}
    assert await service.told() == [0, 1, 2, 3]


async def test_d20_after_a_rebuild_that_was_given_up_only_what_was_read_before_stays_silent(service: Service) -> None:
    await service.fabric.send(*numbered(0, 1))
    async with service.running():
        await service.until_applied({0: 1, 1: 1})
    await service.ask(FACTS)
    await service.begin()
    await service.ask(FACTS, cancel=True)
    await service.fabric.send(*numbered(2))
    async with service.running():
        await service.until_applied({0: 2, 1: 2, 2: 1})
    assert await service.told() == [0, 1, 2]
    assert await service.fabric.fetch("SELECT FROM consumer_position WHERE coalesce(replay_until, read_until) IS NOT NULL") == []


async def test_d20_nothing_of_a_log_that_was_made_anew_counts_as_read_before(service: Service) -> None:
    await service.fabric.send(*numbered(0, 1, 2, 3))
    async with service.running():
        await service.until_applied(dict.fromkeys(range(4), 1))
    await service.ask(FACTS)
    await service.begin()
    log = await asyncpg.connect(service.fabric.bus_url)
    await log.execute("TRUNCATE record; UPDATE log SET next_offset = 0")
    await log.close()
    await service.fabric.send(*numbered(4, 5))
    async with service.running():
        await service.until_applied(dict.fromkeys(range(6), 1))
        await service.until_rebuilt()
    assert await service.told() == list(range(6))
    assert [row[0] for row in await service.fabric.fetch("SELECT cleared_at FROM rebuild")] == [None], "given up"


async def test_d20_letters_that_the_topic_no_longer_has_are_replayed_after_a_rebuild(service: Service) -> None:
    """One letter is older than retention, one is not; behind each waits an event of its key."""
    service.unfit = {0, 2}
    await service.fabric.send(fact("a", 0), fact("a", 1), fact("b", 2), fact("b", 3), fact("c", 4))
    async with service.running():
        await service.until_applied({4: 1})
        await expect_dead_letters(service.fabric, 2)
    log = await asyncpg.connect(service.fabric.bus_url)
    await log.execute("DELETE FROM record WHERE key = 'a'")
    await log.close()
    await service.ask(FACTS)
    async with service.running():
        await service.until_rebuilt()
        assert await service.applied() == {4: 2}
        service.unfit.clear()
        await service.fabric.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'operator'")
        await service.until_applied({0: 1, 1: 1, 2: 1, 3: 1, 4: 2})
    assert await service.told() == [0, 1, 2, 3, 4]


async def test_d20_a_letter_that_was_skipped_stays_skipped_when_its_topic_is_read_again(service: Service) -> None:
    service.unfit = {0}
    await service.fabric.send(fact("a", 0), fact("b", 1))
    async with service.running():
        await service.until_applied({1: 1})
    await service.fabric.execute("UPDATE dead_letter SET resolved_at = now(), resolution = 'skipped'")
    await service.ask(FACTS)
    service.unfit.clear()
    async with service.running():
        await service.until_rebuilt()
    assert await service.applied() == {1: 2}


def snapshot(key: str, n: int, version: int = 1) -> Any:
    return record(SNAPSHOTS, key, SNAPSHOT, version=version, data={"customer_id": key, "n": n})


async def test_d20_nothing_is_removed_while_a_snapshot_of_the_topic_is_a_dead_letter(service: Service) -> None:
    fabric = service.fabric
    service.unfit = {9}
    await fabric.send(snapshot("a", 1), snapshot("b", 2), snapshot("c", 9))
    async with service.running():
        await eventually(lambda: fabric.fetch("SELECT FROM customer HAVING count(*) = 2"))
    await fabric.execute("UPDATE dead_letter SET resolved_at = now(), resolution = 'skipped', resolved_by = 'operator'")
    await fabric.execute("INSERT INTO customer VALUES ('stranger', 1)")
    log = await asyncpg.connect(fabric.bus_url)
    await log.execute("UPDATE record SET value = 'no json' WHERE key = 'b'")
    await log.close()
    await service.ask(SNAPSHOTS)
    async with service.running():
        letters = await eventually(lambda: fabric.fetch("SELECT FROM dead_letter WHERE resolved_at IS NULL HAVING count(*) = 2"))
        assert letters

        async def waited() -> bool:
            return service.waited.is_set()

        await eventually(waited)
        assert {row[0] for row in await fabric.fetch("SELECT key FROM customer")} == {"a", "b", "stranger"}
        async with fabric.database.transaction(readonly=True) as uow:
            assert [one.open_letters for one in await rebuilds.list_progress(uow)] == [2]
        await fabric.send(snapshot("b", 3, version=2))
        await fabric.execute("UPDATE dead_letter SET resolved_at = now(), resolution = 'skipped', resolved_by = 'operator'")
        await service.until_rebuilt()
        await eventually(lambda: fabric.fetch("SELECT FROM customer WHERE key = 'b' AND version = 2"))
    assert {row[0] for row in await fabric.fetch("SELECT key FROM customer")} == {"a", "b"}
