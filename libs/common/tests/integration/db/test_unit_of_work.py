"""A unit of work is one transaction, whatever goes wrong in it and whichever driver writes."""

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import asyncpg
import pytest
from guanxi_common.db.uow import Database, TransactionLost, UnitOfWork, create_engine
from guanxi_testing.eventually import eventually
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    database = Database(create_engine(empty_database, pool_size=2))
    async with database.transaction() as uow:
        await uow.execute(text("CREATE TABLE entry (id bigint PRIMARY KEY)"))
        await uow.commit()
    yield database
    await database.dispose()


async def _ids(database: Database) -> list[int]:
    async with database.transaction(readonly=True) as uow:
        return list((await uow.execute(text("SELECT id FROM entry ORDER BY id"))).scalars())


async def test_what_is_committed_is_kept(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry VALUES (1)"))
        await uow.commit()
    assert await _ids(database) == [1]


async def test_leaving_without_a_commit_rolls_back(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry VALUES (1)"))
    assert await _ids(database) == []


async def test_a_raw_copy_before_the_first_statement_is_rolled_back(database: Database) -> None:
    async def copy_and_fail() -> None:
        async with database.transaction() as uow:
            await uow.driver.copy_records_to_table("entry", records=[(1,), (2,)])
            raise LookupError

    with pytest.raises(LookupError):
        await copy_and_fail()
    assert await _ids(database) == []


async def test_a_raw_copy_and_a_statement_commit_together(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.driver.copy_records_to_table("entry", records=[(1,)])
        await uow.execute(text("INSERT INTO entry VALUES (2)"))
        await uow.commit()
    assert await _ids(database) == [1, 2]


async def test_a_unit_of_work_commits_once_and_takes_nothing_afterwards(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry VALUES (1)"))
        await uow.commit()
        with pytest.raises(RuntimeError, match="committed already"):
            await uow.commit()
        with pytest.raises(RuntimeError, match="committed already"):
            await uow.execute(text("INSERT INTO entry VALUES (2)"))
    assert await _ids(database) == [1]


async def test_committing_after_a_swallowed_error_is_an_error(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry VALUES (1)"))
        with pytest.raises(DBAPIError):
            await uow.execute(text("INSERT INTO entry VALUES (1)"))
        with pytest.raises(TransactionLost):
            await uow.commit()
    assert await _ids(database) == []


async def test_copy_if_new_keeps_all_rows_or_none_and_the_transaction_goes_on(database: Database) -> None:
    async with database.transaction() as uow:
        assert await uow.copy_if_new("entry", [(1,), (2,)], ["id"])
        assert not await uow.copy_if_new("entry", [(2,), (3,)], ["id"])
        await uow.execute(text("INSERT INTO entry VALUES (4)"))
        await uow.commit()
    assert await _ids(database) == [1, 2, 4]


async def test_callbacks_run_after_the_commit_and_only_then(database: Database) -> None:
    seen: list[list[int]] = []

    async def look() -> None:
        seen.append(await _ids(database))

    async with database.transaction() as uow:
        uow.after_commit(look)
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry VALUES (7)"))
        uow.after_commit(look)
        await uow.commit()
    assert seen == [[7]]


async def test_a_readonly_transaction_cannot_write(database: Database) -> None:
    async with database.transaction(readonly=True) as uow:
        with pytest.raises(DBAPIError, match="read-only"):
            await uow.execute(text("INSERT INTO entry VALUES (1)"))


async def _sleep_by_sqlalchemy(uow: UnitOfWork) -> None:
    await uow.execute(text("SELECT pg_sleep(60)"))


async def _sleep_by_the_driver(uow: UnitOfWork) -> None:
    await uow.driver.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize("sleep", [_sleep_by_sqlalchemy, _sleep_by_the_driver])
async def test_a_cancelled_call_leaves_no_statement_running_and_the_pool_usable(
    database: Database, postgres_admin: asyncpg.Connection, sleep: Callable[[UnitOfWork], Awaitable[None]]
) -> None:
    async def call() -> None:
        async with database.transaction() as uow:
            await uow.execute(text("INSERT INTO entry VALUES (1)"))
            await sleep(uow)

    name = database.engine.url.database

    async def sleeping() -> int:
        activity = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'"
        count: int = await postgres_admin.fetchval(activity, name)
        return count

    async def one_sleeps() -> bool:
        return await sleeping() == 1

    for _ in range(6):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await eventually(one_sleeps)
            tasks.cancel_scope.cancel()
        assert await sleeping() == 0
    assert await _ids(database) == []


async def test_a_call_cancelled_at_any_point_gives_a_clean_connection_back(database: Database) -> None:
    """Cancelled while connecting, in BEGIN, in a statement, in COMMIT: the next call must not find an open transaction."""

    async def call(number: int) -> None:
        async with database.transaction() as uow:
            await uow.execute(text("INSERT INTO entry VALUES (:id)"), {"id": number})
            await uow.commit()

    for number in range(60):
        with anyio.move_on_after(number * 0.00005):
            await call(number)
        async with database.transaction() as uow:
            assert await uow.driver.fetchval("SELECT pg_current_xact_id_if_assigned()") is None
    assert set(await _ids(database)) <= set(range(60))
