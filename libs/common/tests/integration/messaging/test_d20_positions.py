"""D20: a group's position lies in the service's own database, and reading starts there whatever the bus remembers."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import asyncpg
import pytest
from guanxi_common.messaging import inbox, metrics
from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.positions import Move
from guanxi_common.messaging.processing import Processor
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, Fabric, fact, facts, in_effect, reads_nothing_more, running

pytestmark = pytest.mark.anyio

RESTORE = "TRUNCATE effect, inbox_event, inbox_version, inbox_parked"


def resets(fabric: Fabric, reason: str) -> float:
    return metrics.POSITIONS_RESET.labels(fabric.group, FACTS, reason)._value.get()


async def test_d20_a_restored_database_goes_on_from_its_own_position(either_fabric: Fabric) -> None:
    fabric = either_fabric
    async with running(fabric.runner()):
        await fabric.send(*facts(fabric, range(2)))
        await eventually(in_effect(fabric, set(range(2))), timeout=30)
    dumped = await fabric.positions()
    async with running(fabric.runner()):
        await fabric.send(*facts(fabric, range(2, 9)))
        await eventually(in_effect(fabric, set(range(9))), timeout=30)
        await reads_nothing_more(fabric)
    await fabric.execute(RESTORE)
    await fabric.set_positions(dumped)
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, set(range(2, 9))), timeout=30)
        await reads_nothing_more(fabric)
    assert all(position >= dumped[at] for at, position in (await fabric.positions()).items())


async def test_d20_a_member_that_runs_notices_that_its_position_was_set_back(either_fabric: Fabric) -> None:
    fabric = either_fabric
    before = await fabric.positions()
    async with running(fabric.runner()):
        await fabric.send(*facts(fabric, range(6)))
        await eventually(in_effect(fabric, set(range(6))), timeout=30)
        await fabric.execute(RESTORE)
        if before:
            await fabric.set_positions(before)
        else:
            async with fabric.database.transaction() as uow:
                await inbox.rewind(uow, fabric.group, FACTS)
                await uow.commit()
        await eventually(in_effect(fabric, set(range(6))), timeout=30)


async def test_d20_a_position_beyond_the_end_starts_the_log_anew_and_says_so(either_fabric: Fabric) -> None:
    fabric = either_fabric
    await fabric.send(*facts(fabric, range(5)))
    await fabric.set_positions({TopicPartition(FACTS, number): 10**9 for number in range(4)})
    async with running(fabric.runner(dead_letter_limit=100_000)):  # a broker's topic has other tests' bad records
        await eventually(in_effect(fabric, set(range(5))), timeout=30)
        await fabric.send(*facts(fabric, range(5, 8)))
        await eventually(in_effect(fabric, set(range(8))), timeout=30)
    assert resets(fabric, "beyond_end") >= 1
    stored, found = await fabric.positions(), await ends(fabric)
    assert all(stored[at] <= end for at, end in found.items())


async def ends(fabric: Fabric) -> Mapping[TopicPartition, int]:
    """The partitions of the facts that hold anything."""
    consumer = await fabric.bus.consumer(group=uuid4().hex, topics=[FACTS])
    found = await consumer.end_offsets([TopicPartition(FACTS, number) for number in range(4)])
    await consumer.close()
    return {at: end for at, end in found.items() if end}


async def test_d20_a_log_that_lost_everything_is_read_from_its_start(fabric: Fabric) -> None:
    async with running(fabric.runner()):
        await fabric.send(*facts(fabric, range(6)))
        await eventually(in_effect(fabric, set(range(6))))
    await in_the_log(fabric, "TRUNCATE record; UPDATE log SET next_offset = 0")

    async def noticed() -> bool:
        return resets(fabric, "beyond_end") > 0

    async with running(fabric.runner()):
        await eventually(noticed)
        await fabric.send(*facts(fabric, range(6, 9)))
        await eventually(in_effect(fabric, set(range(9))))


async def test_d20_retention_that_has_passed_a_position_is_counted(fabric: Fabric) -> None:
    await fabric.send(*(fact(f"{fabric.group} one partition", n) for n in range(6)))
    [(at, end)] = (await ends(fabric)).items()
    await in_the_log(fabric, "DELETE FROM record WHERE record_offset < 3")
    await fabric.set_positions({at: 1})
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, {3, 4, 5}))
        assert resets(fabric, "below_start") == 1
        await in_the_log(fabric, "UPDATE log SET next_offset = next_offset + 4 WHERE next_offset > 0")
        await fabric.send(fact(f"{fabric.group} one partition", 6))
        await eventually(in_effect(fabric, {3, 4, 5, 6}))
    assert resets(fabric, "gap") == 1
    assert (await fabric.positions())[at] == end + 5


async def in_the_log(fabric: Fabric, statements: str) -> None:
    connection = await asyncpg.connect(fabric.bus_url)
    await connection.execute(statements)
    await connection.close()


async def test_d20_without_a_stored_position_the_committed_offset_counts(fabric: Fabric) -> None:
    """As it is for a deployment that was there before positions were stored."""
    await fabric.send(*facts(fabric, range(6)))
    found = await ends(fabric)
    consumer = await fabric.bus.consumer(group=fabric.group, topics=[FACTS])
    await consumer.commit(found)
    await consumer.close()
    async with running(fabric.runner()):
        await fabric.send(*facts(fabric, range(6, 9)))
        await eventually(in_effect(fabric, {6, 7, 8}))
    assert (await fabric.positions()).items() >= (await ends(fabric)).items()


async def test_d20_a_member_that_lost_its_partition_cannot_move_the_position(fabric: Fabric) -> None:
    at = TopicPartition(FACTS, 0)
    sent = [fact(f"{fabric.group}-{n}", n) for n in range(4)]
    records = [Record(FACTS, 0, offset, one.key, one.value, one.headers, 0) for offset, one in enumerate(sent)]
    late, holder = (Processor(PostgresInbox(fabric.database), fabric.group, fabric.subscriptions()) for _ in range(2))
    await holder.process(records[:1], [Move(at, None, 1)])
    await holder.process(records[1:], [Move(at, 1, 4)])
    for moves in ([Move(at, None, 2)], [Move(at, 1, 2)], [Move(at, 1, 4)]):
        with pytest.raises(LostRace):
            await late.process(records[:2], moves)
    assert await fabric.positions() == {at: 4}
    assert await in_effect(fabric, set(range(4)))()


async def test_d20_of_two_members_at_the_same_step_one_takes_it(fabric: Fabric) -> None:
    at = TopicPartition(FACTS, 0)
    sent = fact(f"{fabric.group}-1", 1)
    record = Record(FACTS, 0, 0, sent.key, sent.value, sent.headers, 0)

    async def take_over() -> None:
        processor = Processor(PostgresInbox(fabric.database), fabric.group, fabric.subscriptions())
        await processor.process([record], [Move(at, None, 1)])

    outcomes = await asyncio.gather(take_over(), take_over(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LostRace", "NoneType"]
    assert await in_effect(fabric, {1})()
