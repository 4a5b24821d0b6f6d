"""R3: what a consumer cannot take is a dead letter, what is behind it waits, and a replay or a skip releases it."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import inbox
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.inbox import PostgresInbox
from guanxi_common.messaging.processing import Processor
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    CHANGED,
    CHANGES,
    FACTS,
    OPENED,
    Fabric,
    applied,
    change,
    dead_letters,
    expect_dead_letters,
    fact,
    reads_nothing_more,
    record,
    record_effects,
    running,
)
from sqlalchemy import text

pytestmark = pytest.mark.anyio


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
    kept = inbox.unpack(letter["record"])
    assert kept is not None
    assert kept.value == bad.value


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


async def test_d18_another_record_at_the_offset_of_a_letter_has_a_letter_of_its_own(fabric: Fabric) -> None:
    """A log that was made anew gives its offsets out again; the same record read twice is one letter."""
    processor = Processor(PostgresInbox(fabric.database), fabric.group, fabric.subscriptions())
    for value in (b"{no json", b"{no json", b"{neither"):
        bad = record(FACTS, "bad", OPENED, event_id=uuid4(), data=value)
        await processor.process([Record(FACTS, 0, 7, bad.key, value, (), 0)])
    kept = [inbox.unpack(letter["record"]) for letter in await dead_letters(fabric)]
    assert [letter.value for letter in kept if letter] == [b"{no json", b"{neither"]


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
