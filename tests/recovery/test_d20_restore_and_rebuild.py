"""D20: an owner restored to an earlier state is followed by all replicas, and replicas are rebuilt from the bus."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job, run_once
from guanxi_common.recovery.commands import describe_rebuild
from guanxi_common.recovery.rebuilds import Progress, waiting_for_rebuilds
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio
OF_ENGAGEMENT = "SELECT customer_id, name, epoch, version FROM customer"
OF_SCORING = "SELECT customer_id, epoch, version FROM customer_facts"


async def replica_of(follower: Any, query: str) -> dict[UUID, tuple[Any, ...]]:
    return {row[0]: tuple(row)[1:] for row in await follower.fetch(query)}


async def test_d20_the_owner_is_restored_one_hour_back_and_all_replicas_follow(stand: Any) -> None:
    owner, engagement, scoring = stand.owner, stand.engagement, stand.scoring
    await owner.found()
    customers = [await owner.register(str(number)) for number in range(6)]
    assert await owner.rename(customers[0], "kept", times=4) == 5
    await owner.publish()
    backup = await stand.backup()
    assert await owner.rename(customers[0], "lost", times=4) == 9
    ghost = await owner.register("ghost")
    await owner.publish()
    async with engagement.running(), scoring.running():

        async def followed(name: str, version: tuple[int, int]) -> bool:
            assert (await replica_of(engagement, OF_ENGAGEMENT)).get(customers[0]) == (name, *version)
            return (await replica_of(scoring, OF_SCORING)).get(customers[0]) == version

        await eventually(lambda: followed("lost", (1, 9)))
        await stand.restore(backup)
        epoch = await owner.restored("2026-11-28")
        await eventually(lambda: followed("kept", (epoch, 5)))
        assert await owner.rename(customers[0], "after") == 6
        await owner.publish()
        await eventually(lambda: followed("after", (epoch, 6)))
        expected = {customer_id: (epoch, 6 if customer_id == customers[0] else 1) for customer_id in customers}
        assert await replica_of(scoring, OF_SCORING) == {**expected, ghost: (1, 1)}
        tables = ("directory_outlet", "directory_staff", "directory_role", "book_assignment")
        for table in tables:
            assert {row[0] for row in await engagement.fetch(f"SELECT epoch FROM {table}")} <= {epoch, 1}  # noqa: S608  # ours

        # Who was registered in the lost hour is nobody's any more; a rebuild sees it in an old epoch only.
        for follower in (engagement, scoring):
            await follower.rebuild("customer.files", "customer.agreements", "customer.books", "directory.snapshots")
            await eventually(follower.rebuilt)
        assert await replica_of(scoring, OF_SCORING) == expected
        assert set(await replica_of(engagement, OF_ENGAGEMENT)) == set(customers)
        for table in tables:
            assert {row[0] for row in await engagement.fetch(f"SELECT epoch FROM {table}")} == {epoch}  # noqa: S608  # ours


async def test_d20_wiped_and_spoiled_replicas_are_rebuilt_over_a_kill_and_nothing_else_happens(stand: Any) -> None:
    owner, engagement = stand.owner, stand.engagement
    await owner.found()
    customers = {await owner.register(str(number)) for number in range(30)}
    await owner.publish()
    async with engagement.running():

        async def known() -> bool:
            return set(await replica_of(engagement, OF_ENGAGEMENT)) == customers

        await eventually(known)
    before = await contents(engagement)
    gone, spoiled, stranger = sorted(customers)[0], sorted(customers)[1], uuid4()
    await engagement.execute("DELETE FROM customer WHERE customer_id = $1", gone)
    await engagement.execute("DELETE FROM book_assignment WHERE customer_id = $1", gone)
    await engagement.execute("UPDATE customer SET name = 'spoiled' WHERE customer_id = $1", spoiled)
    await engagement.execute(
        "INSERT INTO customer (customer_id, customer_type, outlet_id, language, version) VALUES ($1, 'person', $1, 'zh', 7)",
        stranger,
    )
    await engagement.execute("DELETE FROM directory_role")
    await engagement.rebuild("customer.books", "customer.files", "directory.snapshots")

    async with engagement.running(max_records=2):

        async def half_way() -> bool:
            one = (await engagement.progress())["customer.books"]
            return one.began_at is not None and 0 < one.left_to_read < one.records

        await eventually(half_way)
        held = await engagement.fetch("SELECT DISTINCT topic, reason FROM partition_pause WHERE resumed_at IS NULL")
        assert [tuple(row) for row in held] == [("scoring.actions", "rebuild")], (
            "commands wait for the replicas they are judged by"
        )
    assert not await engagement.rebuilt(), "killed in the middle"
    async with engagement.running():
        await eventually(engagement.rebuilt)
    assert await contents(engagement) == before
    progress = await engagement.progress()
    assert progress["customer.files"].removed == 1
    assert await engagement.fetch("SELECT FROM outbox") == []
    assert await engagement.fetch("SELECT FROM partition_pause") == []
    assert await engagement.fetch("SELECT FROM consumer_position WHERE coalesce(replay_until, read_until) IS NOT NULL") == []


async def contents(follower: Any) -> list[Any]:
    tables = ("customer", "customer_agreements", "book_assignment", "directory_outlet", "directory_staff", "directory_role")
    return [sorted(map(str, await follower.fetch(f"SELECT * FROM {table}"))) for table in tables]  # noqa: S608  # ours


async def test_d20_the_ledger_is_completed_and_its_days_are_counted_anew_and_nobody_is_told(stand: Any) -> None:
    owner, scoring = stand.owner, stand.scoring
    customers = [uuid4() for _ in range(3)]
    ids = [await owner.post(customer_id, amount) for customer_id in customers for amount in (500, -200, 70)]
    await owner.reverse(customers[0], ids[0])
    await owner.publish()
    async with scoring.running():
        await eventually(lambda: scoring.fetch("SELECT FROM ledger_entry HAVING count(*) = 9"))
        await eventually(lambda: scoring.fetch("SELECT FROM ledger_reversal"))
    before = await ledger_of(scoring)
    await scoring.execute("DELETE FROM ledger_entry WHERE entry_id = $1", ids[4])
    await scoring.execute("DELETE FROM ledger_reversal")
    await scoring.execute("UPDATE daily_activity SET entries = 7, credit_minor = 12345 WHERE customer_id = $1", customers[2])
    await scoring.execute("INSERT INTO daily_activity VALUES ($1, '2026-01-01', 'CNY', 'transfer', 1, 1, 0)", uuid4())
    await scoring.execute("DELETE FROM dirty_customer")
    await scoring.rebuild("bank.transactions")
    async with scoring.running():
        await eventually(scoring.rebuilt)
    assert await ledger_of(scoring) == before
    assert {row[0] for row in await scoring.fetch("SELECT customer_id FROM dirty_customer")} >= set(customers)
    assert await scoring.fetch("SELECT FROM outbox") == []
    await scoring.rebuild("bank.transactions")
    async with scoring.running():
        await eventually(scoring.rebuilt)
    assert await ledger_of(scoring) == before, "once more changes nothing"


async def ledger_of(follower: Any) -> list[Any]:
    queries = (
        "SELECT customer_id, entry_id, account_id, booked_on, amount_minor, currency, code FROM ledger_entry",
        "SELECT customer_id, entry_id, reversal_id FROM ledger_reversal",
        "SELECT * FROM daily_activity",
    )
    return [sorted(map(str, await follower.fetch(query))) for query in queries]


async def test_d20_nothing_is_concluded_from_a_topic_that_has_lost_its_records(stand: Any) -> None:
    """A bus made anew: the owner has to publish its snapshots first, and until then the replicas are all that there is."""
    engagement = stand.engagement
    await engagement.execute("INSERT INTO directory_role (role, grants, version) VALUES ('teller', '{}', 4)")
    await engagement.rebuild("directory.snapshots")
    async with engagement.running():
        await eventually(engagement.rebuilt)
    assert len(await engagement.fetch("SELECT FROM directory_role")) == 1


async def test_d20_what_concludes_from_replicas_rests_while_they_are_rebuilt(stand: Any) -> None:
    engagement, runs = stand.engagement, list[int]()

    async def run(_uow: UnitOfWork) -> int:
        runs.append(1)
        return 1

    job = waiting_for_rebuilds(Job("conclude", 1.0, run))
    assert await run_once(engagement.database, job) == 1
    await engagement.rebuild("customer.files")
    assert await run_once(engagement.database, job) == 0
    async with engagement.running():
        await eventually(engagement.rebuilt)
    assert await run_once(engagement.database, job) == 1
    assert len(runs) == 2


async def test_d20_a_rebuild_that_is_given_up_removes_nothing_and_lets_go_of_what_rested(stand: Any) -> None:
    engagement, stranger = stand.engagement, uuid4()
    statement = (
        "INSERT INTO customer (customer_id, customer_type, outlet_id, language, version) VALUES ($1, 'person', $1, 'zh', 7)"
    )
    await stand.owner.found()
    await stand.owner.register("1")
    await stand.owner.publish()
    async with engagement.running():
        await eventually(lambda: engagement.fetch("SELECT FROM customer"))
    await engagement.execute(statement, stranger)
    await engagement.execute("INSERT INTO partition_pause VALUES ('engagement-svc', 'scoring.actions', 0, now(), 'rebuild', 0)")
    await engagement.rebuild("customer.files")
    await engagement.give_up("customer.files")
    async with engagement.running():
        assert await engagement.rebuilt()
    assert len(await engagement.fetch("SELECT FROM customer")) == 2
    assert await engagement.fetch("SELECT FROM partition_pause") == []
    entries = await engagement.fetch("SELECT action, subject_id FROM audit_entry ORDER BY id")
    assert [tuple(row) for row in entries] == [("rebuild", "customer.files"), ("cancelRebuild", "customer.files")]


def test_d20_the_operator_sees_how_far_a_rebuild_is() -> None:
    now = datetime.now(UTC)
    begun = Progress("customer.files", now, None, None, None, None, None, 0, 0)
    reading = replace(begun, began_at=now, records=120, left_to_read=30)
    waiting = replace(reading, read_at=now, left_to_read=0, open_letters=2)
    clearing = replace(reading, read_at=now, left_to_read=0, removed=3)
    done = replace(clearing, cleared_at=now, finished_at=now)
    given_up = replace(reading, finished_at=now)
    assert [describe_rebuild(one).partition(": ")[2] for one in (begun, reading, waiting, clearing, done, given_up)] == [
        "waits for the worker",
        "90 of 120 records read",
        "120 records read, waits until its 2 dead letters are settled",
        "120 records read, 3 rows removed that the topic does not have",
        "done, 120 records read, 3 rows removed",
        "given up, nothing was concluded",
    ]
