"""D18: an item of a queue fails alone; it is tried again, set aside, shown and retried."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.messaging.failures import PermanentError, is_transient
from guanxi_common.set_aside import Patience, not_set_aside_sql, service, work_off
from guanxi_common.set_aside.repository import FailedItem, list_items, retry
from guanxi_common.set_aside.tables import SET_ASIDE_TABLES
from guanxi_common.telemetry.job_metrics import ITEMS_SET_ASIDE

pytestmark = pytest.mark.anyio

QUEUE = "words"


_TAKE = f"""
DELETE FROM word WHERE word IN (
    SELECT word FROM word WHERE word = ANY($2::text[]) OR ($2 IS NULL AND {not_set_aside_sql(QUEUE, "word", "$3")})
    ORDER BY word LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING word
"""  # noqa: S608  # constants


@dataclass
class Words:
    """A queue of words and its job: a word is done by being copied into `done`.

    `poison` fails with division by zero, `slow` runs out of time; `calls` are the batches worked.
    """

    database: Database
    poison: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    now: datetime = datetime(2026, 11, 28, tzinfo=UTC)
    calls: list[list[str]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)

    async def put(self, *words: str) -> None:
        async with self.database.transaction() as uow:
            await uow.driver.executemany("INSERT INTO word VALUES ($1) ON CONFLICT DO NOTHING", [(word,) for word in words])
            await uow.commit()

    async def run(self, limit: int = 10) -> int:
        """One run of the job."""
        async with self.database.transaction() as uow:
            done = await self.run_in(uow, limit)
            await uow.commit()
        return done

    async def run_in(self, uow: UnitOfWork, limit: int = 10) -> int:
        async def take(only: Sequence[str] | None) -> list[str]:
            rows = await uow.driver.fetch(_TAKE, limit, only, self.now)
            return sorted(row[0] for row in rows)

        return await work_off(uow, QUEUE, take, lambda words: self._work(uow, words), key=str, now=self.now, patience=Patience())

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def done(self) -> list[str]:
        return await self._column("SELECT word FROM done ORDER BY word")

    async def waiting(self) -> list[str]:
        return await self._column("SELECT word FROM word ORDER BY word")

    async def failed(self) -> list[FailedItem]:
        async with self.database.transaction() as uow:
            return await list_items(uow, set_aside_only=False, queue=None, position=None, limit=100)

    async def _work(self, uow: UnitOfWork, words: Sequence[str]) -> None:
        self.calls.append(list(words))

        async def committed() -> None:
            self.commits.extend(words)

        uow.after_commit(committed)
        await uow.driver.executemany("INSERT INTO done VALUES ($1)", [(word,) for word in words])
        if self.slow & set(words):
            await uow.driver.execute("SET LOCAL statement_timeout = '30ms'")
            await uow.driver.execute("SELECT pg_sleep(30)")
        if self.poison & set(words):
            await uow.driver.execute("SELECT 1 / 0")

    async def _column(self, query: str) -> list[str]:
        async with self.database.transaction() as uow:
            return [row[0] for row in await uow.driver.fetch(query)]


@pytest.fixture
async def words(empty_database: str) -> AsyncIterator[Words]:
    database = Database(create_engine(empty_database, pool_size=3))
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=SET_ASIDE_TABLES))
        for table in ("word", "done"):
            await connection.exec_driver_sql(f"CREATE TABLE {table} (word text PRIMARY KEY)")
    yield Words(database)
    await database.dispose()


async def test_d18_the_others_are_done_and_the_poisoned_stays_on_its_queue(words: Words) -> None:
    words.poison = {"c"}
    await words.put("a", "b", "c", "d")
    assert await words.run() == 4
    assert (await words.done(), await words.waiting()) == (["a", "b", "d"], ["c"])
    assert sorted(words.commits) == ["a", "b", "d"], "what was undone tells nothing"
    [failed] = await words.failed()
    assert (failed.queue, failed.item, failed.attempts, failed.reason) == (QUEUE, "c", 1, "sqlstate_22012")
    assert failed.error.startswith("DivisionByZeroError (SQLSTATE 22012) at ")


async def test_d18_it_does_not_block_the_head_and_is_set_aside_after_three_tries(words: Words) -> None:
    words.poison = {"a"}
    await words.put("a")
    assert await words.run(limit=1) == 1
    await words.put("b")
    assert await words.run(limit=1) == 1
    assert await words.done() == ["b"]
    assert await words.run(limit=1) == 0, "its time has not come"
    for seconds in (31, 121):
        await words.wait(seconds)
        assert await words.run(limit=1) == 1
    [failed] = await words.failed()
    assert (failed.attempts, failed.retry_at) == (3, None)
    await words.wait(1_000_000)
    assert await words.run() == 0
    assert await words.waiting() == ["a"]


async def test_d18_an_operators_retry_after_mending_works_and_success_forgets(words: Words) -> None:
    words.poison = {"a"}
    await words.put("a")
    for seconds in (31, 121, 0):
        await words.run()
        await words.wait(seconds)
    [failed] = await words.failed()

    async def retried() -> None:
        async with words.database.transaction() as uow:
            assert await retry(uow, failed.id, words.now)
            await uow.commit()
        assert await words.run() == 1

    await retried()
    [still] = await words.failed()
    assert (still.id, still.attempts, still.retry_at) == (failed.id, 4, None), "not mended: set aside again at once"
    words.poison = set()
    await retried()
    assert (await words.done(), await words.failed()) == (["a"], [])


async def test_d18_success_between_two_failures_begins_anew(words: Words) -> None:
    words.poison = {"a"}
    await words.put("a", "b")
    await words.run()
    words.poison = set()
    await words.wait(31)
    await words.run()
    assert await words.failed() == []


async def test_d18_a_time_out_of_one_huge_item_is_its_own(words: Words) -> None:
    words.slow = {"a"}
    await words.put("a", "b", "c")
    assert await words.run() == 3
    assert await words.done() == ["b", "c"]
    [failed] = await words.failed()
    assert (failed.item, failed.attempts, failed.reason) == ("a", 1, "sqlstate_57014")


async def test_d18_when_the_whole_batch_runs_out_of_time_nobody_is_blamed_and_all_come_back(words: Words) -> None:
    words.slow = {"a", "b"}
    await words.put("a", "b")
    assert await words.run() == 2
    assert [(failed.attempts, failed.retry_at is None) for failed in await words.failed()] == [(0, False)] * 2
    await words.put("c")
    assert await words.run() == 1
    words.slow = set()
    await words.wait(31)
    assert await words.run() == 2
    assert (await words.done(), await words.failed()) == (["a", "b", "c"], [])


async def test_d18_a_lost_connection_or_deadlock_ends_the_run_and_notes_nothing(words: Words) -> None:
    await words.put("a", "b")

    async def deadlock(*_: object) -> None:
        raise asyncpg.DeadlockDetectedError

    words._work = deadlock  # type: ignore[method-assign]  # the failure of the whole
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await words.run()
    del words._work  # type: ignore[attr-defined]  # back to the class's
    words.poison = {"a"}
    async with words.database.transaction() as uow, words.database.transaction() as other:
        backend = await uow.driver.fetchval("SELECT pg_backend_pid()")
        await other.driver.execute("SELECT pg_terminate_backend($1)", backend)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)) as lost:
            await words.run_in(uow)
    assert is_transient(lost.value)
    assert (await words.failed(), await words.waiting()) == ([], ["a", "b"])


async def test_d18_a_pass_that_takes_too_long_leaves_the_rest_on_the_queue(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PASS_SECONDS", -1.0)
    words.poison = {"a"}
    await words.put("a", "b")
    await words.run()
    assert (await words.done(), await words.waiting(), await words.failed()) == ([], ["a", "b"], [])


async def test_d18_what_is_said_of_a_failure_is_bounded_and_can_be_stored(words: Words) -> None:
    async def fail(*_: object) -> None:
        raise PermanentError("reason\0" * 100, "text\0" * 400)

    words._work = fail  # type: ignore[method-assign]  # an error whose text is long and cannot be stored
    await words.put("a")
    await words.run()
    [failed] = await words.failed()
    assert len(failed.error) <= 500
    assert len(failed.reason) <= 100
    assert "\0" not in failed.error + failed.reason


async def test_d18_the_gauge_follows_and_departed_items_are_forgotten(words: Words) -> None:
    words.poison = {"a"}
    await words.put("a", "b")
    for seconds in (31, 121, 0):
        await words.run()
        await words.wait(seconds)

    async def watched() -> float | None:
        async with words.database.transaction() as uow:
            await service.watch(uow, words.now)
            await uow.commit()
        return next((s.value for metric in ITEMS_SET_ASIDE.collect() for s in metric.samples if s.labels["queue"] == QUEUE), None)

    assert await watched() == 1.0
    async with words.database.transaction() as uow:
        [failed] = await words.failed()
        await retry(uow, failed.id, words.now)
        await uow.commit()
    assert await watched() is None
    await words.wait(8 * 86_400)
    await watched()
    assert await words.failed() == []
