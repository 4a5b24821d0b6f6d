"""R1 and R3 on the producing side: state and event are one fact, and what is committed is published in order per key."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Unavailable
from guanxi_common.messaging import outbox
from guanxi_common.messaging.bus import BusError, BusUnavailable, Outgoing, RecordRejected
from guanxi_common.messaging.dead_letters import repository as letters
from guanxi_common.messaging.failures import is_transient
from guanxi_common.messaging.outbox.rows import pack
from guanxi_common.messaging.outbox.store import LOCK_CLASS, PostgresOutbox
from guanxi_common.messaging.relay import Relay, Sender, publish_pass
from guanxi_common.messaging.wakeup import Listener
from guanxi_contracts.codec import decode
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import (
    CHANGES,
    FACTS,
    CustomerChanged,
    Fabric,
    TaskOpened,
    all_published,
    fact,
    read_all,
    running,
    unpublished,
)

pytestmark = pytest.mark.anyio


class ScriptedBus:
    """A bus whose producer answers as told and keeps what it acknowledged."""

    def __init__(self) -> None:
        self.kept: list[Outgoing] = []
        self.calls: list[list[Outgoing]] = []
        self.producers = 0
        self.refused: set[bytes] = set()
        self.unknown: set[bytes] = set()
        self.instead: Callable[[Sequence[Outgoing]], Awaitable[list[BusError | None]]] | None = None

    async def producer(self) -> "ScriptedBus":
        self.producers += 1
        return self

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        if self.instead is not None:
            return await self.instead(records)
        self.calls.append(list(records))
        if any(record.key in self.refused for record in records):
            return [RecordRejected("too large")] * len(records)
        failed = [record.key in self.unknown for record in records]
        self.kept.extend(record for record, bad in zip(records, failed, strict=True) if not bad)
        return [BusUnavailable("time-out") if bad else None for bad in failed]

    async def close(self) -> None:
        return None


def scripted(fabric: Fabric) -> tuple[PostgresOutbox, ScriptedBus, Sender]:
    bus: Any = ScriptedBus()
    return PostgresOutbox(fabric.database), bus, Sender(bus)


async def append_changes(fabric: Fabric, key: str, *versions: int) -> None:
    for version in versions:
        async with fabric.database.transaction() as uow:
            await outbox.append(uow, CustomerChanged(customer_id=key, n=version), version=version)
            await uow.commit()


async def test_an_event_is_published_with_its_state_change_and_not_without(fabric: Fabric) -> None:
    async with fabric.database.transaction() as uow:
        await outbox.append(uow, TaskOpened(customer_id="rolled back"))
    async with fabric.database.transaction() as uow:
        await outbox.append(uow, TaskOpened(customer_id="kept", n=7))
        await uow.commit()
    async with running(fabric.relay()):
        await eventually(lambda: all_published(fabric))
    assert [decode(record).data for record in await read_all(fabric, [FACTS])] == [{"customer_id": "kept", "n": 7}]


async def test_a_batch_is_one_row_per_shard_and_loses_nothing(fabric: Fabric) -> None:
    events = [(uuid4(), TaskOpened(customer_id=f"c{i % 300}", n=i)) for i in range(2_000)]
    async with fabric.database.transaction() as uow:
        await outbox.append_batch(uow, events)
        await uow.commit()
    assert await unpublished(fabric) == 16
    async with running(fabric.relay()):
        await eventually(lambda: all_published(fabric))
    assert {decode(record).id for record in await read_all(fabric, [FACTS])} == {event_id for event_id, _ in events}


async def test_parallel_writers_and_two_relays_keep_the_order_of_every_key(fabric: Fabric) -> None:
    async def edit(writer: int) -> None:
        for step in range(40):
            key = f"c{(writer + step) % 5}"
            async with fabric.database.transaction() as uow:
                version = await uow.driver.fetchval(
                    "INSERT INTO customer VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET version = customer.version + 1"
                    " RETURNING version",
                    key,
                )
                await outbox.append(uow, CustomerChanged(customer_id=key), version=version)
                await uow.commit()

    async with running(fabric.relay(), fabric.relay()):
        await asyncio.gather(*(edit(writer) for writer in range(6)))
        await eventually(lambda: all_published(fabric))
    seen: dict[str, list[int | None]] = defaultdict(list)
    for record in await read_all(fabric, [CHANGES]):
        envelope = decode(record)
        seen[envelope.key].append(envelope.aggregate_version)
    assert {key: versions for key, versions in seen.items() if versions != list(range(1, len(versions) + 1))} == {}
    assert sum(map(len, seen.values())) == 240


async def test_a_transaction_that_commits_late_is_published_all_the_same(fabric: Fabric) -> None:
    """Trap 11: its sequence numbers are below those that were published before it became visible."""
    async with fabric.database.transaction() as late:
        await outbox.append(late, TaskOpened(customer_id="late"))
        async with running(fabric.relay()):
            for n in range(16):
                async with fabric.database.transaction() as uow:
                    await outbox.append(uow, TaskOpened(customer_id=f"early {n}"))
                    await uow.commit()
            await eventually(lambda: all_published(fabric))
            await late.commit()
            await eventually(lambda: all_published(fabric), timeout=4)
    published = [decode(record).key for record in await read_all(fabric, [FACTS])]
    assert sorted(published) == sorted(["late", *(f"early {n}" for n in range(16))])


async def test_a_shard_is_published_by_one_relay_at_a_time(fabric: Fabric) -> None:
    await append_changes(fabric, "a", 1)
    store = PostgresOutbox(fabric.database)
    async with store.begin() as first, store.begin() as second:
        assert len(await first.lock_shards(16)) == 1
        assert await second.lock_shards(16) == []


async def test_a_later_row_of_a_key_waits_for_the_acknowledgement_of_the_earlier(fabric: Fabric) -> None:
    store, bus, sender = scripted(fabric)
    await append_changes(fabric, "a", 1, 2)
    bus.unknown = {b"a"}
    with pytest.raises(BusUnavailable):
        await publish_pass(store, sender)
    assert len(bus.calls) == 1  # version 2 was not even tried
    bus.unknown = set()
    await publish_pass(store, sender)
    assert [dict(record.headers)["ce_aggregateversion"] for record in bus.kept] == [b"1", b"2"]
    assert await all_published(fabric)


async def test_what_was_acknowledged_is_marked_though_another_record_failed(fabric: Fabric) -> None:
    store, bus, sender = scripted(fabric)
    async with fabric.database.transaction() as uow:
        await outbox.append(uow, TaskOpened(customer_id="good"), TaskOpened(customer_id="bad"))
        await uow.commit()
    bus.unknown = {b"bad"}
    for _ in range(4):
        with suppress(BusUnavailable):
            await publish_pass(store, sender)
    rows = await fabric.fetch("SELECT key, attempts, last_error FROM outbox WHERE published_at IS NULL")
    assert [(row["key"], row["last_error"]) for row in rows] == [("bad", "BusUnavailable: time-out")]
    assert rows[0]["attempts"] >= 1
    assert [record.key for record in bus.kept] == [b"good"]


async def test_an_unsendable_event_blocks_its_own_key_only(fabric: Fabric) -> None:
    store, bus, sender = scripted(fabric)
    bus.refused = {b"bad"}
    await append_changes(fabric, "bad", 1, 2)
    async with fabric.database.transaction() as uow:
        await outbox.append_batch(uow, [(uuid4(), TaskOpened(customer_id=key)) for key in ("bad", "good", "fine")])
        await uow.commit()
    while await publish_pass(store, sender):
        pass
    assert {record.key for record in bus.kept} == {b"good", b"fine"}
    blocked = await fabric.fetch("SELECT topic, key FROM outbox_blocked_key ORDER BY topic")
    assert [tuple(row) for row in blocked] == [(CHANGES, "bad"), (FACTS, "bad")]
    async with fabric.database.transaction(readonly=True) as uow:
        assert await outbox.backlog_age(uow) == timedelta(0)  # what waits for an operator is not the broker's backlog
    await append_changes(fabric, "bad", 3)
    while await publish_pass(store, sender):
        pass
    assert await unpublished(fabric) == 4
    assert {record.key for record in bus.kept} == {b"good", b"fine"}


async def test_7_1_a_row_that_cannot_be_unpacked_blocks_its_key_and_an_operator_settles_it(fabric: Fabric) -> None:
    """As after a roll-back: a newer release has written what this one does not know."""
    store, bus, sender = scripted(fabric)
    await append_changes(fabric, "bad", 1, 2)
    await append_changes(fabric, "good", 1)
    [payload] = await fabric.fetch("SELECT payload FROM outbox WHERE key = 'bad' ORDER BY sequence LIMIT 1")
    await fabric.execute("UPDATE outbox SET payload = 'x' WHERE sequence = (SELECT min(sequence) FROM outbox WHERE key = 'bad')")
    await fabric.execute(
        "INSERT INTO outbox (shard, topic, payload, event_count) VALUES (3, $1, 'many keys of a later release', 5)", FACTS
    )
    while await publish_pass(store, sender):
        pass
    assert [record.key for record in bus.kept] == [b"good"]
    blocked = await fabric.fetch("SELECT topic, key, error FROM outbox_blocked_key ORDER BY topic")
    assert [row["topic"] for row in blocked] == [CHANGES, FACTS]
    assert all("cannot be unpacked" in row["error"] for row in blocked)

    async with fabric.database.transaction() as uow:  # skipped: the row of many keys is given up
        assert await letters.unblock(uow, FACTS, blocked[1]["key"], skip_record=True)
        await uow.commit()
    await fabric.execute("UPDATE outbox SET payload = $1 WHERE payload = 'x'", payload["payload"])  # the newer release is back
    async with fabric.database.transaction() as uow:
        assert await letters.unblock(uow, CHANGES, "bad", skip_record=False)
        await uow.commit()
    while await publish_pass(store, sender):
        pass
    assert [record.key for record in bus.kept] == [b"good", b"bad", b"bad"]


async def test_7_1_a_row_that_was_blocked_as_a_whole_is_skipped_as_a_whole_though_it_can_be_read_again(fabric: Fabric) -> None:
    store, bus, sender = scripted(fabric)
    insert = "INSERT INTO outbox (shard, topic, payload, event_count) VALUES (3, $1, 'many keys of a later release', 2)"
    await fabric.execute(insert, FACTS)
    while await publish_pass(store, sender):
        pass
    await fabric.execute("UPDATE outbox SET payload = $1", pack([fact("a"), fact("b")]))
    [blocked] = await fabric.fetch("SELECT key FROM outbox_blocked_key")
    async with fabric.database.transaction() as uow:
        assert await letters.unblock(uow, FACTS, blocked["key"], skip_record=True)
        await uow.commit()
    assert not await publish_pass(store, sender)
    assert bus.kept == []
    assert await fabric.fetch("SELECT FROM outbox WHERE published_at IS NULL") == []
    assert await unpublished(fabric) == 0


async def test_the_producer_is_replaced_when_its_state_is_unknown(fabric: Fabric) -> None:
    store, bus, sender = scripted(fabric)
    await append_changes(fabric, "a", 1)

    async def lost(records: Sequence[Outgoing]) -> list[BusError | None]:
        raise BusUnavailable("gone")

    bus.instead = lost
    with pytest.raises(BusUnavailable):
        await publish_pass(store, sender)
    bus.instead = None
    await publish_pass(store, sender)
    assert (bus.producers, len(bus.kept)) == (2, 1)


async def test_a_relay_that_dies_after_the_acknowledgement_sends_again_and_loses_nothing(fabric: Fabric) -> None:
    """R1, in process: the connection ends between the broker's acknowledgement and the mark."""
    await append_changes(fabric, "a", 1)
    store, bus, sender = scripted(fabric)

    async def acknowledge_and_die(records: Sequence[Outgoing]) -> list[BusError | None]:
        bus.kept.extend(records)
        await fabric.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database db ON db.oid = database"
            " WHERE locktype = 'advisory' AND classid = $1 AND datname = current_database()",
            LOCK_CLASS,
        )
        return [None] * len(records)

    bus.instead = acknowledge_and_die
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one depends on what the driver has read when it notices
        await publish_pass(store, sender)
    assert is_transient(caught.value)
    bus.instead = None
    await publish_pass(store, sender)
    assert [record.key for record in bus.kept] == [b"a", b"a"]
    assert await all_published(fabric)


async def test_the_backlog_refuses_intake_until_it_is_published(fabric: Fabric) -> None:
    await append_changes(fabric, "a", 1)
    await fabric.execute("UPDATE outbox SET created_at = now() - interval '6 minutes'")

    async def check(uow: UnitOfWork) -> timedelta:
        await outbox.refuse_when_behind(uow)
        return await outbox.backlog_age(uow)

    async with fabric.database.transaction() as uow:
        with pytest.raises(Unavailable) as caught:
            await check(uow)
    assert int(caught.value.headers["Retry-After"]) > 0
    async with running(fabric.relay()):
        await eventually(lambda: all_published(fabric))
    async with fabric.database.transaction() as uow:
        assert await check(uow) == timedelta(0)


async def test_purge_deletes_published_rows_only(fabric: Fabric) -> None:
    await append_changes(fabric, "a", 1)
    store, _, sender = scripted(fabric)
    await publish_pass(store, sender)
    await append_changes(fabric, "a", 2)
    async with fabric.database.transaction() as uow:
        assert await outbox.purge(uow, datetime.now(UTC) + timedelta(hours=1)) == 1
        await uow.commit()
    assert await unpublished(fabric) == 1


async def test_a_commit_wakes_the_relay_and_many_commits_make_few_notifications(fabric: Fabric) -> None:
    heard: list[None] = []
    listener = Listener(fabric.url, lambda: heard.append(None))
    task = asyncio.create_task(listener.run())

    async def hears(count: int) -> bool:
        return len(heard) >= count

    await eventually(lambda: hears(1))  # it is listening
    for n in range(50):
        async with fabric.database.transaction() as uow:
            await outbox.append(uow, TaskOpened(customer_id=f"c{n}"))
            await uow.commit()
    await eventually(lambda: hears(2), timeout=4)
    assert len(heard) <= 40
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_relay_outlives_a_broker_that_is_away(fabric: Fabric) -> None:
    bus: Any = ScriptedBus()
    bus.unknown = {b"a"}
    await append_changes(fabric, "a", 1)

    async def tried() -> bool:
        return len(bus.calls) >= 2

    async with running(Relay(fabric.database, bus)):
        await eventually(tried)
        bus.unknown = set()
        await eventually(lambda: all_published(fabric))
    assert [record.key for record in bus.kept] == [b"a"]
