"""One pool and one unit of work per process.

The engine runs in AUTOCOMMIT and the unit of work issues BEGIN and COMMIT itself. Left to SQLAlchemy, BEGIN waits for its first
statement, and a raw `COPY` before that runs in autocommit and survives the rollback (seen with SQLAlchemy 2.1, asyncpg 0.32).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import anyio
import asyncpg
from sqlalchemy import URL, CursorResult, Executable, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

POOL_SIZE = 10
STATEMENT_TIMEOUT_MS = 10_000
SETTLE_SECONDS = 5

T = TypeVar("T")


def create_engine(url: str, *, pool_size: int = POOL_SIZE, application_name: str = "guanxi") -> AsyncEngine:
    """Make the process's only engine. `url` is a `postgresql://` URL; its `sslmode` and files are asyncpg's.

    Server settings: a statement ends after 10 s; a dropped client's statement is stopped within 5 s; a transaction left idle is
    ended after 30 s, so that it cannot hold back vacuum on the queue tables.
    """
    address, arguments = engine_address(url)
    return create_async_engine(
        address,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        connect_args={
            **arguments,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "client_connection_check_interval": "5000",
                "idle_in_transaction_session_timeout": "30000",
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )


def engine_address(url: str) -> tuple[URL, dict[str, Any]]:
    """SQLAlchemy's address for `url`, and the connect arguments that go with it.

    SQLAlchemy hands a URL's parameters on as keywords, and asyncpg knows `sslmode` and the certificates' files in a URL alone.
    So the driver gets the URL whole, as it does wherever it is called without SQLAlchemy: an address has one meaning.
    """
    return make_url(url).set(drivername="postgresql+asyncpg", query={}), {"dsn": url}


class TransactionLost(Exception):
    """COMMIT was asked for a transaction that had already failed; nothing of it is kept."""


class UnitOfWork:
    """One transaction. Made by `Database.transaction`; only an edge (route, consumer runner, job) calls `commit`."""

    def __init__(
        self,
        connection: AsyncConnection | None,
        driver: "asyncpg.Connection[Any]",
        wake_relay: Callable[[], None] | None = None,
    ) -> None:
        self.connection = connection
        self.driver = driver
        self.replaying = False
        """A rebuild reads again what had its effects before: only replicas and ledgers may change; no event is told, no work begun."""
        self._wake_relay = wake_relay
        self._has_events = False
        self._after_commit: list[Callable[[], Awaitable[None]]] = []
        self._committed = False
        self.audited = False
        """Whether an entry of the audit log was written in this transaction."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement in this transaction; the unit of a single statement has the driver only."""
        self._require_open()
        if self.connection is None:
            raise RuntimeError("Database.statement() is for a statement of the driver")
        return cast("CursorResult[Any]", await _cancel_once(self.connection.execute(statement, parameters)))

    async def copy_if_new(self, table: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> bool:
        """`COPY` the rows if the table's unique keys allow all of them; else keep none and answer False.

        A key that another transaction is about to commit is waited for. Without ON CONFLICT's look before each row it costs what a
        plain `COPY` does. The rows are sorted by key, so that two callers never deadlock.
        """
        self._require_open()
        await self.driver.execute("SAVEPOINT copy")
        try:
            await self.driver.copy_records_to_table(table, records=rows, columns=columns)
        except asyncpg.UniqueViolationError:
            await self.driver.execute("ROLLBACK TO SAVEPOINT copy")
            return False
        return True

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block did is undone if it raises an `Exception`, wake-ups and `audited` included; the transaction goes on. It nests.

        A cancellation undoes nothing here: the whole transaction is about to be rolled back. A block that commits ends the savepoint.
        """
        self._require_open()
        before = (self._has_events, self.audited, len(self._after_commit))
        await self.driver.execute("SAVEPOINT block")
        try:
            yield
        except Exception:
            if not self._committed and not self.driver.is_closed():
                await self.driver.execute("ROLLBACK TO SAVEPOINT block; RELEASE SAVEPOINT block")
                self._has_events, self.audited, callbacks = before
                del self._after_commit[callbacks:]
            raise
        if not self._committed:
            await self.driver.execute("RELEASE SAVEPOINT block")

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run `callback` once the transaction is durable (a wake-up, never an effect that must happen)."""
        self._after_commit.append(callback)

    def wake_relay_after_commit(self) -> None:
        """Events were appended: wake the relay once they are durable. Without a wake-up its poll finds them 100 ms later."""
        self._has_events = True

    async def commit(self) -> None:
        """Make everything durable. A second call is a programming error.

        Raises `TransactionLost` if a statement failed before and its error was swallowed: PostgreSQL then answers COMMIT with
        a rollback and no error.
        """
        self._require_open()
        outcome = await self.driver.execute("COMMIT")
        if outcome != "COMMIT":
            raise TransactionLost("a statement of this transaction had failed, so PostgreSQL rolled it back")
        self._committed = True
        if self._has_events and self._wake_relay is not None:
            self._wake_relay()
        for callback in self._after_commit:
            await callback()

    @property
    def committed(self) -> bool:
        return self._committed

    def _require_open(self) -> None:
        """What ran after COMMIT would run in autocommit, in no transaction at all."""
        if self._committed:
            raise RuntimeError("this unit of work is committed already")


class Database:
    """The process's pool. `transaction()` hands out units of work; `wake_relay` is called after a commit with events."""

    def __init__(self, engine: AsyncEngine, *, wake_relay: Callable[[], None] | None = None) -> None:
        self.engine = engine
        self._wake_relay = wake_relay

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[UnitOfWork]:
        """Open a transaction; what is not committed by the end of the block is rolled back.

        READ COMMITTED. A connection whose state is in doubt (a cancelled BEGIN, a ROLLBACK without an answer) is dropped: the next
        user of the pool never finds an open transaction.
        """
        async with self.engine.connect() as connection:
            driver = await _begin(connection, "BEGIN READ ONLY" if readonly else "BEGIN")
            uow = UnitOfWork(connection, driver, self._wake_relay)
            try:
                yield uow
            finally:
                if not uow.committed:
                    await _roll_back(driver)

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work for exactly one statement, which is its own transaction: without BEGIN and COMMIT, two round trips fewer.

        For the hottest reads, through `driver`: a connection of the pool without SQLAlchemy's around it. What the statement did
        (its audit entry) is durable when it returns, and cannot be rolled back.
        """
        pooled = await self.engine.raw_connection()
        try:
            while not _is_clean(driver := _driver_of(pooled)):
                driver.terminate()
                await greenlet_spawn(pooled.invalidate)
                pooled = await self.engine.raw_connection()
            try:
                yield UnitOfWork(None, driver, self._wake_relay)
            except BaseException as error:
                if isinstance(error, TimeoutError) or not isinstance(error, Exception):
                    driver.terminate()
                raise
        finally:
            await greenlet_spawn(pooled.close)

    async def dispose(self) -> None:
        await self.engine.dispose()


def _driver_of(pooled: PoolProxiedConnection) -> "asyncpg.Connection[Any]":
    return cast("asyncpg.Connection[Any]", pooled.driver_connection)


def _is_clean(driver: "asyncpg.Connection[Any]") -> bool:
    """The last wall before a connection is used: whatever happened to it, it is open and in no transaction."""
    return not driver.is_closed() and not driver.is_in_transaction()


async def _begin(connection: AsyncConnection, statement: str) -> "asyncpg.Connection[Any]":
    """Open the transaction.

    A pooled connection that the server has closed meanwhile is replaced: nothing was done on it yet. A BEGIN without an answer may
    have been executed all the same, and SQLAlchemy in AUTOCOMMIT would give its transaction to the next user of the pool.
    """
    while True:
        raw = await connection.get_raw_connection()
        driver = cast("asyncpg.Connection[Any]", raw.driver_connection)
        if _is_clean(driver):
            try:
                await driver.execute(statement)
            except BaseException as error:
                was_lost = driver.is_closed()
                driver.terminate()
                if not (was_lost and isinstance(error, Exception)):
                    raise
            else:
                return driver
        driver.terminate()
        await connection.invalidate()


async def _roll_back(driver: "asyncpg.Connection[Any]") -> None:
    """End the transaction, or the connection: the server rolls back what a lost one left open.

    `terminate` awaits nothing, so no second cancellation can come between the doubt and the drop. The pool replaces a closed
    connection at its next use.
    """
    # Shielded: a cancelled anyio scope would cancel the ROLLBACK too, and asyncpg has yet to stop the running statement.
    with anyio.CancelScope(shield=True):
        try:
            if not driver.is_closed():
                await driver.execute("ROLLBACK", timeout=SETTLE_SECONDS)
        except BaseException as error:
            driver.terminate()
            if not isinstance(error, Exception):
                raise


async def _cancel_once(statement: Coroutine[Any, Any, T]) -> T:
    """Await `statement`; when cancelled, wait until the server has stopped it.

    An anyio scope cancels again at every await. SQLAlchemy's own handling of a cancelled statement then gives up before asyncpg's
    cancel request is sent, and the statement runs on in the server. In a task of its own it is cancelled exactly once.
    """
    task = asyncio.ensure_future(statement)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # The outcome is looked at, or asyncio reports an error that comes later as never retrieved.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task], timeout=SETTLE_SECONDS)
        raise
