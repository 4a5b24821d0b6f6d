"""R2 and R3 on the consuming side: effects once, in order per aggregate, whatever arrives and whatever fails."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.context import current_context
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import inbox
from guanxi_common.messaging.bus import CommitFenced, Consumer, Outgoing, Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import DeadLetterLimitReached, LostRace, PermanentError
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.processing import Processor
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_common.testing.databases import TestServer
from guanxi_common.testing.eventually import eventually
from guanxi_common.testing.fabric import (
    ASSIGNED,
    CHANGED,
    CHANGES,
    FACTS,
    OPENED,
    QUICK,
    SNAPSHOT,
    SNAPSHOTS,
    Fabric,
    open_fabric,
    record,
    record_effects,
    running,
)
from sqlalchemy import text

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fabric(postgres: TestServer) -> AsyncIterator[Fabric]:
    async with open_fabric(postgres, pool_size=16) as fabric:
        yield fabric


def fact(key: str, n: int = 0, **known: Any) -> Outgoing:
    return record(FACTS, key, OPENED, data={"customer_id": key, "n": n}, **known)


def change(key: str, version: int, type_: str = CHANGED) -> Outgoing:
    return record(CHANGES, key, type_, version=version, data={"customer_id": key, "n": version})


async def applied(fabric: Fabric, count: int) -> bool:
    return len(await fabric.effects()) >= count


async def dead_letters(fabric: Fabric) -> list[Any]:
    return await fabric.fetch("SELECT * FROM dead_letter ORDER BY failed_at, id")


async def expect_dead_letters(fabric: Fabric, count: int) -> list[Any]:
    async def found() -> list[Any]:
        letters = await dead_letters(fabric)
        return letters if len(letters) >= count else []

    return await eventually(found)


async def reads_nothing_more(fabric: Fabric) -> None:
    """The group has committed all its offsets: a fresh member finds nothing."""

    async def done() -> bool:
        consumer = await fabric.bus.consumer(group=fabric.group, topics=[FACTS, CHANGES, SNAPSHOTS])
        try:
            return not await consumer.poll(max_records=1, timeout=0.3)
        finally:
            await consumer.close()

    await eventually(done)


async def test_each_event_three_times_shuffled_to_eight_consumers_has_one_effect(fabric: Fabric) -> None:
    """R2: versions 1..n per aggregate without a hole, and totals equal to the single-threaded reference."""
    shuffle = random.Random(7)
    facts = [fact(f"c{n % 20}", n) for n in range(300)]
    changes = [change(f"c{n % 10}", 1 + n // 10) for n in range(200)]
    snapshots = [record(SNAPSHOTS, f"c{n % 10}", SNAPSHOT, version=1 + n // 10, data={"n": n}) for n in range(100)]
    # The first version seen is the baseline, so each aggregate's first change goes ahead.
    await fabric.send(*changes[:10])
    async with running(*(fabric.runner() for _ in range(8))):
        await eventually(lambda: applied(fabric, 10))
        everything = [*facts, *changes, *snapshots] * 3
        shuffle.shuffle(everything)
        for start in range(0, len(everything), 200):
            await fabric.send(*everything[start : start + 200])

        async def complete() -> bool:
            return len(await fabric.effects(FACTS)) == 300 and len(await fabric.effects(CHANGES)) == 200

        await eventually(complete, timeout=40)
        await fabric_settled(fabric, snapshots)
    assert sorted(row["n"] for row in await fabric.effects(FACTS)) == list(range(300))
    by_key: dict[str, list[int]] = defaultdict(list)
    for row in await fabric.effects(CHANGES):
        by_key[row["key"]].append(row["version"])
    assert by_key == {f"c{n}": list(range(1, 21)) for n in range(10)}
    assert await dead_letters(fabric) == []
    assert await fabric.fetch("SELECT * FROM inbox_parked") == []


async def fabric_settled(fabric: Fabric, snapshots: Sequence[Outgoing]) -> None:
    """Every aggregate's snapshots have grown to the newest, and never gone back."""

    async def newest() -> bool:
        latest: dict[str, list[int]] = defaultdict(list)
        for row in await fabric.effects(SNAPSHOTS):
            latest[row["key"]].append(row["version"])
        assert all(versions == sorted(set(versions)) for versions in latest.values())
        return {key: versions[-1] for key, versions in latest.items()} == {f"c{n}": len(snapshots) // 10 for n in range(10)}

    await eventually(newest, timeout=30)


async def test_version_seven_before_six_is_parked_then_both_are_applied(fabric: Fabric) -> None:
    async with running(fabric.runner()):
        await fabric.send(change("c", 5), change("c", 7), change("c", 8))

        async def parked() -> bool:
            return len(await fabric.fetch("SELECT * FROM inbox_parked")) == 2

        await eventually(parked)
        assert [row["version"] for row in await fabric.effects()] == [5]
        await fabric.send(change("c", 6))
        await eventually(lambda: applied(fabric, 4))
    assert [row["version"] for row in await fabric.effects()] == [5, 6, 7, 8]
    assert await fabric.fetch("SELECT * FROM inbox_parked") == []


async def test_unknown_types_are_ignored_yet_advance_the_version(fabric: Fabric) -> None:
    async with running(fabric.runner()):
        await fabric.send(
            change("c", 1), change("c", 2, ASSIGNED), change("c", 3), record(FACTS, "c", "guanxi.rain.fell.v1", data={})
        )
        await eventually(lambda: applied(fabric, 2))
        await reads_nothing_more(fabric)
    assert [row["version"] for row in await fabric.effects()] == [1, 3]
    assert await dead_letters(fabric) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(FACTS, "bad", OPENED, data=b"{no json"), "invalid_json"),
        (Outgoing(FACTS, b"bad", None), "missing_attribute"),
        (record(FACTS, "bad", OPENED, data=None), "unexpected_tombstone"),
        (record(FACTS, "bad", OPENED, data=b"[]"), "not_an_object"),
        (record(FACTS, "bad", "guanxi.task.opened.v9", data={}), "unsupported_version"),
        (record(CHANGES, "bad", CHANGED, data={}), "missing_version"),
    ],
    ids=["not-json", "null-event", "tombstone-on-facts", "not-an-object", "unknown-major-version", "no-version"],
)
async def test_a_bad_record_is_a_dead_letter_and_the_next_proceeds(fabric: Fabric, bad: Outgoing, reason: str) -> None:
    await fabric.send(bad, *(fact(f"good {n}") for n in range(8)))
    async with running(fabric.runner()):
        await eventually(lambda: applied(fabric, 8))
        [letter] = await expect_dead_letters(fabric, 1)
        await reads_nothing_more(fabric)
    assert (letter["reason"], letter["key"], letter["topic"]) == (reason, "bad", bad.topic)
    assert inbox.unpack(letter["record"]).value == bad.value


async def test_an_event_of_2_mib_is_a_dead_letter_and_the_next_proceeds(fabric: Fabric) -> None:
    """Our buses refuse to take one, so it is handed over as read from a broker with a higher limit."""
    big = record(FACTS, "big", OPENED, data=b'{"t":"' + b"x" * (2 << 20) + b'"}')
    sent = [(big, 0), (fact("good", 1), 1)]
    records = [Record(FACTS, 0, offset, out.key, out.value, out.headers, 0) for out, offset in sent]
    await Processor(PostgresInbox(fabric.database), fabric.group, fabric.subscriptions()).process(records)
    assert [(row["reason"], row["key"]) for row in await dead_letters(fabric)] == [("too_large", "big")]
    assert [row["key"] for row in await fabric.effects()] == ["good"]


async def test_the_same_id_with_another_payload_is_a_dead_letter(fabric: Fabric) -> None:
    event_id = uuid4()
    async with running(fabric.runner()):
        await fabric.send(fact("c", 1, event_id=event_id), fact("c", 1, event_id=event_id))
        await eventually(lambda: applied(fabric, 1))
        await fabric.send(fact("c", 2, event_id=event_id))
        [letter] = await expect_dead_letters(fabric, 1)
    assert (letter["reason"], letter["event_id"]) == ("payload_differs", event_id)
    assert [row["n"] for row in await fabric.effects()] == [1]


class Poison:
    """Refuses the events whose `n` it was given; records the effects of the others."""

    def __init__(self, *bad: int, error: Exception | None = None) -> None:
        self.bad = set(bad)
        self.error = error
        self.calls: list[list[Envelope]] = []

    async def __call__(self, uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        self.calls.append(list(events))
        await record_effects(uow, events)
        for event in events:
            if event.data is not None and event.data["n"] in self.bad:
                raise self.error or PermanentError("rule", event_id=event.id)


async def test_only_the_culprit_of_a_batch_goes_to_the_dead_letters(fabric: Fabric) -> None:
    poison = Poison(13)
    await fabric.send(*(fact(f"c{n}", n) for n in range(40)))
    async with running(fabric.runner(poison)):
        await eventually(lambda: applied(fabric, 39))
        [letter] = await expect_dead_letters(fabric, 1)
    assert (letter["reason"], letter["key"]) == ("rule", "c13")
    assert sorted(row["n"] for row in await fabric.effects()) == [n for n in range(40) if n != 13]


async def test_a_bug_in_a_handler_and_a_violated_constraint_are_permanent(fabric: Fabric) -> None:
    async def violate(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for event in events:
            if event.key == "bug":
                raise KeyError(event.data)
            await uow.driver.execute("INSERT INTO customer VALUES ($1, $2)", event.key, None if event.key == "null" else 1)

    await fabric.send(fact("bug"), fact("null"), fact("fine"))
    async with running(fabric.runner(violate)):
        letters = await expect_dead_letters(fabric, 2)
    assert {row["key"]: row["reason"] for row in letters} == {"bug": "KeyError", "null": "sqlstate_23502"}
    assert all("customer" not in row["error"] for row in letters)
    assert [row["key"] for row in await fabric.fetch("SELECT key FROM customer")] == ["fine"]


async def test_later_events_of_the_key_wait_and_a_replay_releases_them_in_order(fabric: Fabric) -> None:
    poison = Poison(2)
    runner = fabric.runner(poison)
    async with running(runner):
        await fabric.send(*(change("c", version) for version in (1, 2, 3)))
        [letter] = await expect_dead_letters(fabric, 1)
        await fabric.send(change("c", 4), change("other", 1))
        await eventually(lambda: applied(fabric, 2))

        async def both_wait() -> bool:
            return len(await fabric.fetch("SELECT * FROM inbox_parked WHERE reason = 'behind'")) == 2

        await eventually(both_wait)
        poison.bad.clear()
        await fabric.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'staff:1'")
        await eventually(lambda: applied(fabric, 5))
        await fabric.send(change("c", 5))
        await eventually(lambda: applied(fabric, 6))
    assert [row["version"] for row in await fabric.effects() if row["key"] == "c"] == [1, 2, 3, 4, 5]
    [settled] = await dead_letters(fabric)
    assert (settled["resolution"], settled["resolved_by"]) == ("replayed", "staff:1")
    assert settled["id"] == letter["id"]


async def test_a_replay_that_fails_again_stays_open(fabric: Fabric) -> None:
    async with running(fabric.runner(Poison(1))):
        await fabric.send(fact("c", 1))
        await expect_dead_letters(fabric, 1)
        await fabric.execute("UPDATE dead_letter SET requested_at = now()")

        async def tried_again() -> bool:
            return bool((await dead_letters(fabric))[0]["attempts"] == 2)

        await eventually(tried_again)
    [letter] = await dead_letters(fabric)
    assert (letter["resolved_at"], letter["requested_at"]) == (None, None)


async def test_a_skip_releases_what_waits_behind(fabric: Fabric) -> None:
    async with running(fabric.runner(Poison(2))):
        await fabric.send(*(change("c", version) for version in (1, 2, 3, 4)))
        await expect_dead_letters(fabric, 1)
        await fabric.execute("UPDATE dead_letter SET resolved_at = now(), resolution = 'skipped'")
        await eventually(lambda: applied(fabric, 3))
    assert [row["version"] for row in await fabric.effects()] == [1, 3, 4]


async def test_the_dead_letter_limit_stops_a_bad_deployment_and_loses_nothing(fabric: Fabric) -> None:
    poison = Poison(*range(50))
    await fabric.send(*(fact(f"c{n}", n) for n in range(50)))
    with pytest.raises(DeadLetterLimitReached):
        async with asyncio.timeout(10):
            await fabric.runner(poison, dead_letter_limit=5, max_records=20).run(asyncio.Event())
    buried = len(await dead_letters(fabric))
    assert buried <= 5
    async with running(fabric.runner()):  # the deployment before it
        await eventually(lambda: applied(fabric, 50 - buried))


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


async def test_two_members_on_the_same_events_have_one_effect(fabric: Fabric) -> None:
    """A member that has lost its lease works on: the tables' keys keep the two apart."""
    together = asyncio.Barrier(2)

    consumer = await fabric.bus.consumer(group="reader", topics=[FACTS, CHANGES, SNAPSHOTS])
    await fabric.send(
        fact("a", 1), *(change("a", version) for version in (1, 2, 3)), record(SNAPSHOTS, "a", SNAPSHOT, version=4, data={})
    )
    records = []
    while polled := await consumer.poll(max_records=100, timeout=0.3):
        records += [one for batch in polled.values() for one in batch]
    await consumer.close()

    async def take_over() -> None:
        processor = Processor(PostgresInbox(fabric.database), "zombie", fabric.subscriptions())
        await together.wait()
        for _ in range(5):
            try:
                return await processor.process(records)
            except Exception:  # noqa: S112  # LostRace or a deadlock: transient, as the runner takes it
                continue
        raise AssertionError("never got through")

    await asyncio.gather(take_over(), take_over())
    assert sorted((row["topic"], row["version"]) for row in await fabric.effects()) == [
        (CHANGES, 1),
        (CHANGES, 2),
        (CHANGES, 3),
        (SNAPSHOTS, 4),
        (FACTS, None),
    ]


async def test_of_two_members_that_race_for_a_version_one_wins(fabric: Fabric) -> None:
    """Nothing but the version tells that a snapshot was applied: both find it new, and the later commit must notice."""
    both_have_looked = asyncio.Barrier(2)
    tries: list[str] = []

    async def meet(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await record_effects(uow, events)
        async with asyncio.timeout(5):
            await both_have_looked.wait()

    async def take_over() -> None:
        processor = Processor(PostgresInbox(fabric.database), "zombie", fabric.subscriptions(meet))
        try:
            await processor.process([read])
        except LostRace:
            tries.append("lost")
            await processor.process([read])

    sent = record(SNAPSHOTS, "a", SNAPSHOT, version=4, data={})
    read = Record(SNAPSHOTS, 0, 0, sent.key, sent.value, sent.headers, 0)
    await asyncio.gather(take_over(), take_over())
    assert tries == ["lost"]
    assert [row["version"] for row in await fabric.effects()] == [4]


async def test_the_call_s_context_names_the_event_and_the_group(fabric: Fabric) -> None:
    contexts = []

    async def look(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        contexts.append(current_context())

    event_id = uuid4()
    await fabric.send(fact("a", 1, event_id=event_id))
    async with running(fabric.runner(look)):
        await reads_nothing_more(fabric)
    assert [(c.actor, c.causation_id) for c in contexts] == [(f"system:{fabric.group}", str(event_id))]


async def test_what_a_handler_wrote_is_undone_with_its_failed_event(fabric: Fabric) -> None:
    async def write_then_fail(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for event in events:
            await uow.execute(text("INSERT INTO customer VALUES (:key, 1)"), {"key": event.key})
            if event.key == "bad":
                raise PermanentError("rule")

    await fabric.send(fact("good"), fact("bad"))
    async with running(fabric.runner(write_then_fail)):
        await expect_dead_letters(fabric, 1)
    assert [row["key"] for row in await fabric.fetch("SELECT key FROM customer")] == ["good"]


async def test_handler_dedupe_is_for_facts_only() -> None:
    with pytest.raises(ValueError, match="the runner must parse"):
        Subscription(FACTS, {OPENED: record_effects}, parsed_by="handler")
    with pytest.raises(ValueError, match="not a topic of facts"):
        Subscription(CHANGES, {CHANGED: record_effects}, dedupe="handler")
    assert QUICK.dead_letter_limit == 100
