"""7.1: a record can never end a worker. Whatever is wrong with it, it is set aside, and what follows is applied."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.inbox import unpack
from guanxi_testing.bad_records import UNFIT_NUMBER, bad_records
from guanxi_testing.databases import TestServer
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    FACTS,
    Fabric,
    applied,
    change,
    dead_letters,
    expect_dead_letters,
    fact,
    facts,
    in_effect,
    open_fabric,
    reads_nothing_more,
    record_effects,
    running,
)
from guanxi_testing.kafka import LocalKafka
from guanxi_testing.kafka_batches import STRANGE_NAME, batch_of, produce_raw

pytestmark = pytest.mark.anyio


async def test_7_1_every_bad_record_is_a_dead_letter_and_the_good_one_behind_it_is_applied(either_fabric: Fabric) -> None:
    fabric = either_fabric
    bad = [*bad_records(fabric.group).values(), fact(f"{fabric.group}-unfit", UNFIT_NUMBER)]
    for one, good in zip(bad, facts(fabric, range(len(bad))), strict=True):
        await fabric.send(one, good)
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, range(len(bad))), timeout=60)
        await reads_nothing_more(fabric)
    letters = await dead_letters(fabric)
    assert len(letters) == len(bad)
    assert all(letter["reason"] != "undecodable" for letter in letters)


@pytest.mark.kafka
async def test_7_1_what_the_kafka_client_cannot_read_is_a_dead_letter_and_what_follows_is_applied(
    postgres: TestServer, own_kafka: LocalKafka
) -> None:
    """A header's name that is not UTF-8 makes aiokafka fail over the whole partition, again and again: also for other tests."""
    kafka = own_kafka.bootstrap_servers
    async with open_fabric(postgres, kafka=kafka) as fabric:
        at = TopicPartition(FACTS, 2)
        strange = fact(f"{fabric.group}-strange", 9)
        strange = replace(strange, headers=(*strange.headers, (STRANGE_NAME, b"x")))
        before, beside = facts(fabric, range(2))
        await produce_raw(kafka, at, batch_of([before, strange, beside]))
        await fabric.send(*facts(fabric, range(2, 6)))
        async with running(fabric.runner()):
            await eventually(in_effect(fabric, range(6)), timeout=60)
            [letter] = await expect_dead_letters(fabric, 1)
            await reads_nothing_more(fabric)
        assert (letter["partition"], letter["key"], letter["reason"]) == (2, f"{fabric.group}-strange", "invalid_attribute")


async def test_7_1_headers_that_cannot_be_unpacked_are_one_record_s_failure(fabric: Fabric) -> None:
    """As a newer or a broken producer may leave them in the embedded log."""
    await fabric.send(fact("bad"))
    log = await asyncpg.connect(fabric.bus_url)
    await log.execute("UPDATE record SET headers = '\\xc1ff'")
    await log.close()
    await fabric.send(*facts(fabric, range(3)))
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, range(3)))
        [letter] = await expect_dead_letters(fabric, 1)
    assert (letter["key"], letter["reason"]) == ("bad", "missing_attribute")
    kept = unpack(letter["record"])
    assert kept is not None
    assert kept.headers == (("", b"\xc1\xff"),)


@pytest.mark.parametrize(
    ("curse", "versions"),
    [
        ("ALTER TABLE inbox_version ADD CHECK (key <> 'cursed')", [1]),
        ("ALTER TABLE inbox_parked ADD CHECK (key <> 'cursed')", [1, 3]),
        ("ALTER TABLE inbox_version ADD CHECK (key <> 'cursed'); ALTER TABLE dead_letter ADD CHECK (key IS NULL)", [1]),
    ],
    ids=["version", "parked", "version-and-dead-letter"],
)
async def test_7_1_bookkeeping_that_cannot_be_stored_is_one_record_s_failure(
    fabric: Fabric, curse: str, versions: list[int]
) -> None:
    await fabric.execute(curse)
    await fabric.send(*(change("cursed", version) for version in versions), change("fine", 1), *facts(fabric, range(3)))
    async with running(fabric.runner()):
        await eventually(in_effect(fabric, range(3)))
        [letter] = await expect_dead_letters(fabric, 1)
        await eventually(lambda: applied(fabric, 3 + len(versions)))
    assert (letter["reason"], letter["key"], letter["version"]) == ("unstorable", None, None)
    assert [row["key"] for row in await fabric.effects() if row["version"] is not None] == ["cursed"] * (len(versions) - 1) + [
        "fine"
    ]


async def test_7_1_what_waited_for_an_unstorable_version_is_applied_when_that_is_replayed(fabric: Fabric) -> None:
    """Nothing of the key may follow that would look for the gap: the replay alone sets it free."""
    await fabric.execute("ALTER TABLE inbox_version ADD CONSTRAINT cursed CHECK (key <> 'cursed' OR version <> 2)")
    await fabric.send(change("cursed", 1), change("cursed", 2))
    async with running(fabric.runner()):
        [letter] = await expect_dead_letters(fabric, 1)
        await fabric.send(change("cursed", 3), change("cursed", 4), *facts(fabric, range(3)))
        await eventually(in_effect(fabric, range(3)))
        assert (letter["reason"], letter["key"]) == ("unstorable", None)
        await fabric.execute("ALTER TABLE inbox_version DROP CONSTRAINT cursed")
        await fabric.execute("UPDATE dead_letter SET requested_at = now(), requested_by = 'operator'")
        await eventually(lambda: applied(fabric, 7))
    assert [row["version"] for row in await fabric.effects() if row["version"] is not None] == [1, 2, 3, 4]


async def test_7_1_a_handler_that_swallows_a_failed_statement_stops_nobody(fabric: Fabric) -> None:
    async def swallow(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        for event in events:
            if event.key == "bad":
                try:
                    await uow.driver.execute("SELECT 1 / 0")
                except Exception:  # noqa: S112  # the fault under test
                    continue
            await record_effects(uow, [event])

    await fabric.send(fact("bad"), *facts(fabric, range(3)))
    async with running(fabric.runner(swallow)):
        await eventually(in_effect(fabric, range(3)))
        [letter] = await expect_dead_letters(fabric, 1)
    assert (letter["key"], letter["reason"]) == ("bad", "sqlstate_25P02")


async def test_7_1_rows_whose_bytes_are_no_record_stop_nobody(fabric: Fabric) -> None:
    """A parked one becomes a dead letter when it is released; a dead letter stays, and its replay says why."""
    async with running(fabric.runner()):
        await fabric.send(change("c", 1), change("c", 3), fact("d"))

        async def waits() -> Any:
            return await fabric.fetch("SELECT * FROM inbox_parked")

        await eventually(waits)
        await fabric.execute("UPDATE inbox_parked SET record = 'x', reason = 'behind'")
        [letter] = await expect_dead_letters(fabric, 1)
        assert (letter["key"], letter["partition"]) == ("c", -1)
        await fabric.execute("UPDATE dead_letter SET record = '', requested_at = now()")

        async def tried_again() -> bool:
            return bool((await dead_letters(fabric))[0]["attempts"] == 2)

        await eventually(tried_again)
        await fabric.send(*facts(fabric, range(3)))
        await eventually(in_effect(fabric, range(3)))
    [letter] = await dead_letters(fabric)
    assert (letter["reason"], letter["resolved_at"]) == ("unreadable_record", None)


async def test_7_1_a_key_is_stored_and_found_in_one_form(fabric: Fabric) -> None:
    """A long key is blocked, parked and released as any other; its version is known again."""
    key = "张" * 400
    broken = {"now": True}

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if broken["now"] and any(event.key == key for event in events):
            raise ValueError("broken")
        await record_effects(uow, events)

    async with running(fabric.runner(handle)):
        await fabric.send(change(key, 1), change(key, 2))
        [letter] = await expect_dead_letters(fabric, 1)
        assert len(letter["key"]) <= 200
        broken["now"] = False
        await fabric.execute("UPDATE dead_letter SET requested_at = now()")
        await eventually(lambda: applied(fabric, 2))
        await fabric.send(change(key, 2), change(key, 3))
        await eventually(lambda: applied(fabric, 3))
    assert [(row["key"], row["version"]) for row in await fabric.effects()] == [(key, 1), (key, 2), (key, 3)]
