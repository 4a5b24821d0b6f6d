"""D18: whoever is cancelled, and wherever, the next user of the pool gets a clean connection: open, writable, in no transaction."""

import asyncio
import os
import signal
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from itertools import count
from typing import Any

import asyncpg
import pytest
from guanxi_common.db import uow as unit_of_work
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.messaging.embedded.database import open_pool
from sqlalchemy import text

pytestmark = pytest.mark.anyio

Work = Callable[[Database], Coroutine[Any, Any, None]]


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    """A pool of one connection: what one caller leaves behind, the next one gets."""
    database = Database(create_engine(empty_database, pool_size=1))
    async with database.transaction() as uow:
        await uow.execute(text("CREATE TABLE entry (id bigserial PRIMARY KEY, word text UNIQUE)"))
        await uow.commit()
    yield database
    await database.dispose()


@pytest.fixture
async def outsider(empty_database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """Sees only what is committed."""
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


async def _write_and_commit(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(text("INSERT INTO entry (word) VALUES (NULL)"))
        await uow.driver.execute("INSERT INTO entry (word) VALUES (NULL)")
        await uow.commit()


async def _write_in_a_savepoint(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.copy_if_new("entry", [(-1, "known"), (-1, "known")], ["id", "word"])
        with suppress(LookupError):
            async with uow.savepoint():
                await uow.driver.execute("INSERT INTO entry (word) VALUES (NULL)")
                raise LookupError
        await uow.commit()


async def _write_and_fail(database: Database) -> None:
    with suppress(LookupError):
        async with database.transaction() as uow:
            await uow.execute(text("INSERT INTO entry (word) VALUES (NULL)"))
            raise LookupError


async def _read(database: Database) -> None:
    async with database.transaction(readonly=True) as uow:
        await uow.execute(text("SELECT count(*) FROM entry"))
        await uow.driver.fetchval("SELECT count(*) FROM entry")


async def _one_statement(database: Database) -> None:
    async with database.statement() as uow:
        await uow.driver.execute("INSERT INTO entry (word) VALUES (NULL)")


async def _on_a_new_connection(database: Database) -> None:
    async with database.statement() as uow:
        uow.driver.terminate()
    await _read(database)


async def _on_a_connection_that_the_server_closed(database: Database) -> None:
    with suppress(asyncpg.PostgresError):
        async with database.statement() as uow:
            await uow.driver.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    await _one_statement(database)


async def _require_clean(database: Database, outsider: "asyncpg.Connection[Any]") -> None:
    """The next two users can write, and what they wrote is durable as soon as they have the answer."""
    async with database.statement() as uow:
        first = await uow.driver.fetchval("INSERT INTO entry (word) VALUES (NULL) RETURNING id")
    assert await outsider.fetchval("SELECT count(*) FROM entry WHERE id = $1", first) == 1
    async with database.transaction() as uow:
        assert await uow.driver.fetchval("SELECT pg_current_xact_id_if_assigned()") is None
        assert await uow.driver.fetchval("SELECT current_setting('transaction_read_only')") == "off"
        second = await uow.driver.fetchval("INSERT INTO entry (word) VALUES (NULL) RETURNING id")
        await uow.commit()
    assert await outsider.fetchval("SELECT count(*) FROM entry WHERE id = $1", second) == 1


@types.coroutine
def _cancelled_at(work: Coroutine[Any, Any, None], step: int, *, late: bool) -> Generator[Any, Any, bool]:
    """Run `work` and cancel the task at its suspension number `step`; whether there were that many.

    `late`: not while it waits, but in the moment in which the answer is there and the task has not gone on yet.
    """
    task = asyncio.current_task()
    assert task is not None
    error: BaseException | None = None
    for suspension in count(1):
        try:
            awaited = work.throw(error) if error is not None else work.send(None)
        except StopIteration:
            return suspension > step
        if suspension == step:
            if late and awaited is not None:
                awaited.add_done_callback(lambda _: task.cancel())
            else:
                asyncio.get_running_loop().call_soon(task.cancel)
        try:
            yield awaited
        except BaseException as raised:
            error = raised
        else:
            error = None
    raise AssertionError


def _ignore_unread_probes() -> None:
    """A connection attempt that is cancelled while asyncpg asks for TLS leaves a future that nobody reads."""
    loop = asyncio.get_running_loop()
    report = loop.get_exception_handler()
    assert report is not None

    def unless_probe(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "unexpected connection_lost()" not in str(context.get("exception")):
            report(loop, context)

    loop.set_exception_handler(unless_probe)


WORK = [
    _write_and_commit,
    _write_in_a_savepoint,
    _write_and_fail,
    _read,
    _one_statement,
    _on_a_new_connection,
    _on_a_connection_that_the_server_closed,
]


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", WORK)
async def test_a_cancellation_at_any_await_leaves_a_clean_connection(
    database: Database, outsider: "asyncpg.Connection[Any]", work: Work, late: bool
) -> None:
    assert await _cancel_everywhere(lambda: work(database), lambda: _require_clean(database, outsider), late=late) >= 1


async def _cancel_everywhere(
    work: Callable[[], Coroutine[Any, Any, None]], require_clean: Callable[[], Awaitable[None]], *, late: bool
) -> int:
    """Cancel the work at its first await, its second, and so on, and look after each; how many there were."""

    async def attempt(step: int) -> bool:
        return await _cancelled_at(work(), step, late=late)

    _ignore_unread_probes()
    for step in count(1):
        reached = True
        with suppress(asyncio.CancelledError):
            reached = await asyncio.create_task(attempt(step))
        await require_clean()
        if not reached:
            return step - 1
    raise AssertionError


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "answered"])
async def test_the_embedded_logs_own_pool_gives_clean_connections_too(
    empty_database: str, outsider: "asyncpg.Connection[Any]", late: bool
) -> None:
    pool = await open_pool(empty_database, 1)
    await outsider.execute("CREATE TABLE entry (id bigserial PRIMARY KEY)")

    async def append() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO entry DEFAULT VALUES")
            await connection.execute("SAVEPOINT a; ROLLBACK TO SAVEPOINT a")

    async def require_clean() -> None:
        async with pool.acquire() as connection:
            written = await connection.fetchval("INSERT INTO entry DEFAULT VALUES RETURNING id")
            assert await outsider.fetchval("SELECT count(*) FROM entry WHERE id = $1", written) == 1

    assert await _cancel_everywhere(append, require_clean, late=late) >= 4
    await pool.close()


async def _begin(database: Database) -> None:
    async with database.transaction():
        raise AssertionError("a stopped server began a transaction")


async def _begin_reading(database: Database) -> None:
    async with database.transaction(readonly=True):
        raise AssertionError("a stopped server began a transaction")


def _stopped_before(last: Callable[[UnitOfWork], Awaitable[object]]) -> Work:
    """A transaction whose server process is stopped before its `last` step."""

    async def work(database: Database) -> None:
        async with database.transaction() as uow:
            await uow.driver.execute("INSERT INTO entry (word) VALUES (NULL)")
            os.kill(uow.driver.get_server_pid(), signal.SIGSTOP)
            await last(uow)

    return work


async def _insert_by_sqlalchemy(uow: UnitOfWork) -> None:
    await uow.execute(text("INSERT INTO entry (word) VALUES (NULL)"))


async def _insert_in_a_savepoint(uow: UnitOfWork) -> None:
    await uow.copy_if_new("entry", [(-1, "x")], ["id", "word"])


async def _fail(_: UnitOfWork) -> None:
    raise LookupError


STALLED: dict[str, Work] = {
    "begin": _begin,
    "begin read only": _begin_reading,
    "one statement": _one_statement,
    "statement": _stopped_before(_insert_by_sqlalchemy),
    "savepoint": _stopped_before(_insert_in_a_savepoint),
    "commit": _stopped_before(UnitOfWork.commit),
    "rollback": _stopped_before(_fail),
}


@pytest.mark.parametrize("work", STALLED.values(), ids=STALLED)
async def test_a_server_process_that_stands_still_is_left_behind(
    database: Database, outsider: "asyncpg.Connection[Any]", work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_of_work, "SETTLE_SECONDS", 0.2)
    async with database.statement() as uow:
        pid: int = uow.driver.get_server_pid()
    if work in (_begin, _begin_reading, _one_statement):
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises((TimeoutError, LookupError)):
            async with asyncio.timeout(0.2):
                await work(database)
        async with database.statement() as uow:
            assert uow.driver.get_server_pid() != pid
        await _require_clean(database, outsider)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_transaction_that_was_left_open_goes_to_nobody(database: Database, outsider: "asyncpg.Connection[Any]") -> None:
    for _ in range(2):
        async with database.statement() as uow:
            await uow.driver.execute("BEGIN READ ONLY")
        await _require_clean(database, outsider)


async def test_a_savepoint_undoes_its_block_and_nothing_else(database: Database, outsider: "asyncpg.Connection[Any]") -> None:
    woken = []

    async def wake() -> None:
        woken.append("undone")

    async with database.transaction() as uow:
        await uow.driver.execute("INSERT INTO entry (word) VALUES ('before')")
        with suppress(asyncpg.UniqueViolationError):
            async with uow.savepoint():
                uow.after_commit(wake)
                uow.wake_relay_after_commit()
                uow.audited = True
                async with uow.savepoint():
                    await uow.driver.execute("INSERT INTO entry (word) VALUES ('undone')")
                await uow.driver.execute("INSERT INTO entry (word) VALUES ('before')")
        assert not uow.audited
        async with uow.savepoint():
            await uow.driver.execute("INSERT INTO entry (word) VALUES ('after')")
        await uow.commit()
    assert [row["word"] for row in await outsider.fetch("SELECT word FROM entry ORDER BY id")] == ["before", "after"]
    assert woken == []
