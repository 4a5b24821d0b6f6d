"""The consumer runner: retries, deadlines, offsets after the database, consumers that stop silently."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.context import current_context
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.bus import CommitFenced, Consumer, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    CHANGED,
    CHANGES,
    FACTS,
    OPENED,
    QUICK,
    Fabric,
    applied,
    dead_letters,
    fact,
    reads_nothing_more,
    record_effects,
    running,
)
from prometheus_client import REGISTRY

pytestmark = pytest.mark.anyio


async def test_a_transient_failure_is_retried_and_leaves_no_trace(fabric: Fabric) -> None:
    """Trap 6: after failed processing the records must be read again."""
    failures = [ConnectionError("database away"), TimeoutError(), TimeoutError()]

    async def flaky(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await record_effects(uow, events)
        if failures:
            raise failures.pop()

    await fabric.send(*(fact(f"c{n}", n) for n in range(20)))
    async with running(fabric.runner(flaky)):
        await eventually(lambda: applied(fabric, 20))
        await reads_nothing_more(fabric)
    assert sorted(row["n"] for row in await fabric.effects()) == list(range(20))
    assert await dead_letters(fabric) == []


async def test_a_batch_that_misses_its_deadline_is_tried_again_smaller(fabric: Fabric) -> None:
    """Trap 8: a slow handler must come to an end before the group gives its partitions away."""
    sizes: list[int] = []

    async def slow(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        sizes.append(len(events))
        await uow.driver.execute("SELECT pg_sleep($1)", 0.04 * len(events))
        await record_effects(uow, events)

    await fabric.send(*(fact("one partition", n) for n in range(16)))
    async with running(fabric.runner(slow, batch_deadline=0.3)):
        await eventually(lambda: applied(fabric, 16), timeout=30)
    assert sizes[0] == 16
    assert sorted(row["n"] for row in await fabric.effects()) == list(range(16))


async def test_d18_a_record_whose_statement_always_takes_too_long_is_set_aside_and_the_next_are_applied(fabric: Fabric) -> None:
    """One customer's heap of rows must not hold up everybody else's: the server ends the statement, again and again."""

    async def heavy(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await record_effects(uow, events)
        if any(event.data and event.data["n"] == 5 for event in events):
            await uow.driver.execute("SET LOCAL statement_timeout = 20")
            await uow.driver.execute("SELECT pg_sleep(60)")

    await fabric.send(*(fact(f"c{n}", n) for n in range(12)))
    async with running(fabric.runner(heavy)):
        await eventually(lambda: applied(fabric, 11), timeout=60)
        await reads_nothing_more(fabric)
    assert sorted(row["n"] for row in await fabric.effects()) == [n for n in range(12) if n != 5]
    assert [letter["reason"] for letter in await dead_letters(fabric)] == ["too_slow"]


class Spied:
    """A consumer of the real bus that lets a test interfere."""

    def __init__(self, consumer: Consumer, log: list[str]) -> None:
        self._consumer = consumer
        self._log = log
        self.fence = 0
        self.deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    async def poll(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Any]]:
        if self.deaf:
            await asyncio.sleep(timeout)
            return {}
        return await self._consumer.poll(max_records=max_records, timeout=timeout)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.fence:
            self.fence -= 1
            self._log.append("fenced")
            raise CommitFenced("no longer held")
        self._log.append("offsets")
        await self._consumer.commit(offsets)


class SpiedBus:
    def __init__(self, fabric: Fabric, *, fence: int = 0, deaf_consumers: int = 0) -> None:
        self.log: list[str] = []
        self.consumers: list[Spied] = []
        self._bus, self._fence, self._deaf = fabric.bus, fence, deaf_consumers

    async def consumer(self, **known: Any) -> Spied:
        spied = Spied(await self._bus.consumer(**known), self.log)
        spied.fence = self._fence
        spied.deaf = len(self.consumers) < self._deaf
        self.consumers.append(spied)
        return spied


def runner_on(bus: Any, fabric: Fabric, handler: Any = record_effects, **settings: Any) -> ConsumerRunner:
    return Fabric(fabric.database, bus, fabric.url, fabric.group).runner(handler, **settings)


async def test_a_fenced_commit_is_tolerated(fabric: Fabric) -> None:
    """Trap 4."""
    bus = SpiedBus(fabric, fence=1)
    await fabric.send(fact("a", 1))
    async with running(runner_on(bus, fabric)):
        await eventually(lambda: applied(fabric, 1))
        await fabric.send(fact("b", 2))
        await eventually(lambda: applied(fabric, 2))
    assert bus.log[0] == "fenced"
    assert len(bus.consumers) == 1


async def test_offsets_are_committed_after_the_database(fabric: Fabric) -> None:
    bus = SpiedBus(fabric)
    durable: list[int] = []

    class Watching(Spied):
        async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
            durable.append(len(await fabric.effects()))
            await super().commit(offsets)

    async def watching(**known: Any) -> Watching:
        return Watching(await fabric.bus.consumer(**known), bus.log)

    async def committed() -> bool:
        return bool(durable)

    bus.consumer = watching  # type: ignore[method-assign]
    await fabric.send(fact("a", 1))
    async with running(runner_on(bus, fabric)):
        await eventually(committed)
    assert durable[0] == 1


async def test_a_consumer_that_stopped_silently_is_replaced(fabric: Fabric) -> None:
    """Trap 7."""
    bus = SpiedBus(fabric, deaf_consumers=1)
    await fabric.send(fact("a", 1))
    runner = runner_on(bus, fabric, stall_check_interval=0.05, stalled_after=0.2)
    async with running(runner):
        await eventually(lambda: applied(fabric, 1))
        assert runner.seconds_since_progress() < 5
    assert len(bus.consumers) == 2


async def test_what_is_not_read_yet_is_reported_by_topic(fabric: Fabric) -> None:
    labels = {"group": fabric.group, "topic": FACTS}
    await fabric.send(fact("a", 1))
    async with running(runner_on(SpiedBus(fabric, deaf_consumers=1), fabric, stall_check_interval=0.05)):
        await eventually(lambda: is_behind_by(1, labels))
    async with running(runner_on(SpiedBus(fabric), fabric, stall_check_interval=0.05)):
        await eventually(lambda: is_behind_by(0, labels))


async def is_behind_by(records: int, labels: dict[str, str]) -> bool:
    return REGISTRY.get_sample_value("guanxi_consumer_lag_records", labels) == records


async def test_the_call_s_context_names_the_event_and_the_group(fabric: Fabric) -> None:
    contexts = []

    async def look(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        contexts.append(current_context())

    event_id = uuid4()
    await fabric.send(fact("a", 1, event_id=event_id))
    async with running(fabric.runner(look)):
        await reads_nothing_more(fabric)
    assert [(c.actor, c.causation_id) for c in contexts] == [(f"system:{fabric.group}", str(event_id))]


async def test_handler_dedupe_is_for_facts_only() -> None:
    with pytest.raises(ValueError, match="the runner must parse"):
        Subscription(FACTS, {OPENED: record_effects}, parsed_by="handler")
    with pytest.raises(ValueError, match="not a topic of facts"):
        Subscription(CHANGES, {CHANGED: record_effects}, dedupe="handler")
    assert QUICK.dead_letter_limit == 100
