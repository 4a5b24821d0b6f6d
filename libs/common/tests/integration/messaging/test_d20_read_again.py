"""What a rebuild reads again changes replicas and ledgers, and nothing else happens a second time."""

import asyncio
from collections.abc import Sequence

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import waking
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import Envelope
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, Fabric, TaskOpened, applied, fact, record_effects, running

pytestmark = pytest.mark.anyio

REWIND = "UPDATE consumer_position SET position = 0, replay_until = position WHERE consumer = $1 AND topic = $2"


async def test_d20_facts_are_applied_again_without_events_and_wake_ups_and_live_ones_as_always(fabric: Fabric) -> None:
    wake, replayed = asyncio.Event(), list[tuple[str, bool]]()

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        replayed.extend((event.key, uow.replaying) for event in events)
        await record_effects(uow, events)
        await outbox.append(uow, TaskOpened(customer_id="told"))

    async def told() -> int:
        return len(await fabric.fetch("SELECT FROM outbox"))

    await fabric.send(*(fact("one partition", n) for n in range(5)))
    async with running(fabric.runner(waking(handle, wake))):
        await eventually(lambda: applied(fabric, 5))
    before = await told()
    assert wake.is_set()
    wake.clear()
    await fabric.execute(REWIND, fabric.group, FACTS)
    await fabric.send(fact("one partition", 5))
    async with running(fabric.runner(waking(handle, wake))):
        await eventually(lambda: applied(fabric, 11))
    numbers = [row["n"] for row in await fabric.effects()]
    assert numbers == [*range(5), *range(5), 5]
    assert [again for _, again in replayed] == [False] * 5 + [True] * 5 + [False]
    assert (await told(), wake.is_set()) == (before + 1, True), "of the live one alone"


async def test_d20_only_what_is_read_again_wakes_nobody(fabric: Fabric) -> None:
    wake = asyncio.Event()
    await fabric.send(*(fact("one partition", n) for n in range(3)))
    async with running(fabric.runner(waking(record_effects, wake))):
        await eventually(lambda: applied(fabric, 3))
    wake.clear()
    await fabric.execute(REWIND, fabric.group, FACTS)
    async with running(fabric.runner(waking(record_effects, wake))):
        await eventually(lambda: applied(fabric, 6))
    assert not wake.is_set()
