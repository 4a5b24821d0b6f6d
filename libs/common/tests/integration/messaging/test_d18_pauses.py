"""D18: a partition that makes too many dead letters is paused for its group, alone, until an operator resumes it."""

import os
from typing import Any

import anyio
import pytest
from guanxi_common.messaging import metrics
from guanxi_common.messaging.bus import Consumer, Outgoing, TopicPartition
from guanxi_common.messaging.partitioner import partition_of
from guanxi_common.messaging.runner import ConsumerRunner
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, OPENED, Fabric, dead_letters, fact, in_effect, record, running

pytestmark = pytest.mark.anyio

PAUSED_FOR_SECONDS = float(os.environ.get("GUANXI_TEST_PAUSED_SECONDS", "2"))
"""How long the neighbours of a paused partition are watched; `make soak` watches for longer."""

RESUME = 'UPDATE partition_pause SET resumed_at = now(), "limit" = $1'


def unreadable(fabric: Fabric, partition: int, count: int) -> list[Outgoing]:
    return [record(FACTS, key, OPENED, data=b"no json") for key in keys_of(fabric, partition, count, "bad")]


def good(fabric: Fabric, partition: int, numbers: range) -> list[Outgoing]:
    return [fact(key, n) for key, n in zip(keys_of(fabric, partition, len(numbers), "good"), numbers, strict=True)]


def keys_of(fabric: Fabric, partition: int, count: int, kind: str) -> list[str]:
    """Keys of a partition, of the test's own."""
    found = (key for key in (f"{fabric.group}-{kind}-{n}" for n in range(10_000)) if partition_of(key.encode(), 4) == partition)
    return [next(found) for _ in range(count)]


async def paused(fabric: Fabric) -> list[Any]:
    return await fabric.fetch("SELECT * FROM partition_pause WHERE consumer = $1 AND resumed_at IS NULL", fabric.group)


async def test_d18_150_unreadable_records_in_one_fetch_are_kept_up_to_the_limit_and_pause_their_partition_alone(
    either_fabric: Fabric,
) -> None:
    fabric = either_fabric
    start = (await fabric.positions()).get(TopicPartition(FACTS, 0), 0)
    await fabric.send(*unreadable(fabric, 0, 150), *good(fabric, 0, range(3)), *good(fabric, 1, range(3, 6)))
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, range(3, 6)), timeout=60)
        [pause] = await eventually(lambda: paused(fabric), timeout=30)
    assert (pause["topic"], pause["partition"], pause["reason"], pause["limit"]) == (FACTS, 0, "dead_letter_limit", 100)
    assert len(await dead_letters(fabric)) == 100
    assert (await fabric.positions())[TopicPartition(FACTS, 0)] == start + 100
    async with running(fabric.runner()):  # another process
        await fabric.send(*good(fabric, 2, range(6, 9)))
        await eventually(in_effect(fabric, range(3, 9)), timeout=60)
        assert len(await dead_letters(fabric)) == 100
        assert metrics.PARTITIONS_PAUSED.labels(fabric.group, FACTS)._value.get() == 1
        await fabric.execute(RESUME, 1_000)
        await eventually(in_effect(fabric, range(9)), timeout=60)
        assert len(await dead_letters(fabric)) == 150
        assert metrics.PARTITIONS_PAUSED.labels(fabric.group, FACTS)._value.get() == 0
        assert await paused(fabric) == []


class CountingBus:
    """Counts who joins; keeps the consumers."""

    def __init__(self, fabric: Fabric) -> None:
        self.consumers: list[Consumer] = []
        self._bus = fabric.bus

    async def consumer(self, **known: Any) -> Consumer:
        self.consumers.append(await self._bus.consumer(**known))
        return self.consumers[-1]


async def test_d18_beside_a_paused_partition_nobody_lags_and_nobody_joins_again(either_fabric: Fabric) -> None:
    """The paused one has lag and does not move: no reason to replace its consumer, and no other partition waits."""
    fabric, bus = either_fabric, CountingBus(either_fabric)
    await fabric.send(*unreadable(fabric, 0, 8))
    counted: Any = Fabric(fabric.database, bus, fabric.url, fabric.group)  # type: ignore[arg-type]  # all that a runner asks
    runner: ConsumerRunner = counted.runner(dead_letter_limit=5, stall_check_interval=0.05, stalled_after=1.0)
    async with running(runner):
        await eventually(lambda: paused(fabric), timeout=60)
        number, begun = 0, anyio.current_time()
        while anyio.current_time() < begun + PAUSED_FOR_SECONDS:
            await fabric.send(*(one for partition in (1, 2, 3) for one in good(fabric, partition, range(number, number + 1))))
            number += 1
            await eventually(all_applied(fabric, 3 * number), timeout=60)
        [consumer] = bus.consumers
        others = [TopicPartition(FACTS, partition) for partition in (1, 2, 3)]
        assert await consumer.end_offsets(others) == {at: await consumer.position(at) for at in others}
        assert len(await paused(fabric)) == 1
        assert len(await dead_letters(fabric)) == 5


def all_applied(fabric: Fabric, count: int) -> Any:
    async def are() -> bool:
        return len([row for row in await fabric.effects(FACTS) if row["key"].startswith(fabric.group)]) == count

    return are


async def test_d18_only_open_letters_of_the_last_hour_count(fabric: Fabric) -> None:
    await fabric.send(*unreadable(fabric, 0, 4))
    async with running(fabric.runner(dead_letter_limit=5)):
        await eventually(letters(fabric, 4))
        await fabric.execute("UPDATE dead_letter SET made_at = now() - interval '61 minutes' WHERE \"offset\" < 2")
        await fabric.execute('UPDATE dead_letter SET resolved_at = now() WHERE "offset" = 2')
        await fabric.send(*unreadable(fabric, 0, 3))  # four are open and fresh
        await eventually(letters(fabric, 7))
        await fabric.send(*good(fabric, 0, range(1)))
        await eventually(in_effect(fabric, range(1)))
        await fabric.send(*unreadable(fabric, 0, 1))
        await eventually(lambda: paused(fabric))


async def test_d18_a_raised_limit_holds_for_an_hour(fabric: Fabric) -> None:
    async with running(fabric.runner(dead_letter_limit=2)):
        await fabric.send(*unreadable(fabric, 0, 5))
        await eventually(lambda: paused(fabric))
        await fabric.execute(RESUME, 4)
        await eventually(letters(fabric, 4))
        [pause] = await eventually(lambda: paused(fabric))
        assert pause["limit"] == 4
        await fabric.execute("UPDATE dead_letter SET made_at = now() - interval '2 hours'")
        await fabric.execute("UPDATE partition_pause SET resumed_at = now() - interval '61 minutes'")
        await eventually(letters(fabric, 5))
        await fabric.send(*unreadable(fabric, 0, 1))
        [pause] = await eventually(lambda: paused(fabric))
        assert pause["limit"] == 2


async def test_d18_handlers_that_refuse_everything_pause_each_partition_at_its_own_limit(fabric: Fabric) -> None:
    async def refuse(*_: Any) -> None:
        raise KeyError("a bad deployment")

    await fabric.send(*good(fabric, 0, range(9)), *good(fabric, 1, range(9, 12)), *good(fabric, 2, range(12, 18)))
    async with running(fabric.runner(refuse, dead_letter_limit=4)):
        await eventually(letters(fabric, 11))

        async def both() -> bool:
            return {row["partition"] for row in await paused(fabric)} == {0, 2}

        await eventually(both)
    made = await fabric.fetch("SELECT partition, count(*)::int AS made FROM dead_letter GROUP BY partition ORDER BY partition")
    assert [tuple(row) for row in made] == [(0, 4), (1, 3), (2, 4)]
    await fabric.execute("UPDATE dead_letter SET resolved_at = now()")
    await fabric.execute(RESUME, 4)
    async with running(fabric.runner()):  # the deployment before it
        await eventually(in_effect(fabric, [*range(4, 9), 16, 17]))


def letters(fabric: Fabric, count: int) -> Any:
    async def are() -> bool:
        return len(await dead_letters(fabric)) == count

    return are
