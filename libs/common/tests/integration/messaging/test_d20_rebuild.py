"""Epochs and a rebuild on both buses: what is read again, what is removed, where the log begins and ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.bus import BusError, Outgoing
from guanxi_common.messaging.envelope import Envelope, newest_of_each_key
from guanxi_common.messaging.runner import ConsumerRunner, Subscription
from guanxi_common.parts import first_of
from guanxi_common.recovery.rebuilds import LettersOpen, Rebuilder, Replica
from guanxi_common.recovery.tables import RECOVERY_TABLES
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import QUICK, SNAPSHOT, SNAPSHOTS, Fabric, record

pytestmark = pytest.mark.anyio
DEADLINE = 60.0


@pytest.fixture
async def either(either_fabric: Fabric) -> Fabric:
    """With the tables of recovery."""
    async with either_fabric.database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=RECOVERY_TABLES))
    return either_fabric


async def keep(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    for event in newest_of_each_key(events):
        statement = "INSERT INTO customer VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET version = $2"
        await uow.driver.execute(statement, event.key, event.version.number)


SKIP_OTHERS = """
UPDATE dead_letter SET resolved_at = now(), resolution = 'skipped', resolved_by = 'host:operator'
WHERE resolved_at IS NULL AND position($1::bytea IN record) = 0
"""
"""A broker's topics have other tests' bad records from their start on."""


@asynccontextmanager
async def following(fabric: Fabric) -> AsyncIterator[None]:
    runner = ConsumerRunner(
        fabric.database, fabric.bus, fabric.group, [Subscription(SNAPSHOTS, {SNAPSHOT: keep})], settings=QUICK
    )
    rebuilder = Rebuilder(fabric.database, runner.bounds, fabric.group, [Replica(SNAPSHOTS, {"customer": "kept.key"})])
    stop = asyncio.Event()

    async def rebuild() -> None:
        while not stop.is_set():
            went_on = False
            try:
                went_on = await rebuilder.step()
            except BusError:
                pass  # the consumer is on its way
            except LettersOpen:
                await fabric.execute(SKIP_OTHERS, fabric.group.encode())
            if not went_on:
                await first_of(stop, timeout=0.1)

    tasks = [asyncio.create_task(runner.run(stop)), asyncio.create_task(rebuild())]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def snapshot(fabric: Fabric, name: str, version: int, epoch: int | None = None) -> Outgoing:
    key = f"{fabric.group}-{name}"
    return record(SNAPSHOTS, key, SNAPSHOT, version=version, epoch=epoch, data={"customer_id": key})


async def versions(fabric: Fabric) -> dict[str, int]:
    """Of this test's own keys; a broker may hold those of others."""
    rows = await fabric.fetch("SELECT key, version FROM customer")
    return {row[0].removeprefix(f"{fabric.group}-"): row[1] for row in rows if row[0].startswith(fabric.group)}


async def test_d20_a_later_epoch_wins_and_a_rebuild_makes_the_replica_anew(either: Fabric) -> None:
    await either.send(*(snapshot(either, name, 9) for name in "abcd"))
    before = dict.fromkeys("abcd", 9)

    async def are(expected: dict[str, int]) -> Any:
        assert await versions(either) == expected
        return True

    async with following(either):
        await eventually(lambda: are(before), timeout=DEADLINE)
        await either.send(
            snapshot(either, "a", 6, epoch=2), snapshot(either, "a", 10), *(snapshot(either, name, 9, 2) for name in "bc")
        )
        await eventually(lambda: are({**before, "a": 6}), timeout=DEADLINE)
    gone, spoiled, stranger = (f"{either.group}-{name}" for name in ("b", "c", "stranger"))
    await either.execute("DELETE FROM customer WHERE key = $1", gone)
    await either.execute("UPDATE customer SET version = 4 WHERE key = $1", spoiled)
    await either.execute("INSERT INTO customer VALUES ($1, 1)", stranger)
    await either.execute("INSERT INTO rebuild (topic, requested_by) VALUES ($1, 'host:operator')", SNAPSHOTS)
    async with following(either):
        await eventually(lambda: either.fetch("SELECT FROM rebuild WHERE finished_at IS NOT NULL"), timeout=DEADLINE)
        await are({"a": 6, "b": 9, "c": 9})  # d is in an old epoch only
        await either.send(snapshot(either, "e", 1, 2))
        await eventually(lambda: are({"a": 6, "b": 9, "c": 9, "e": 1}), timeout=DEADLINE)
