"""One pool and one unit of work per process.

The engine runs in AUTOCOMMIT and the unit of work issues BEGIN and COMMIT itself. Left to SQLAlchemy, BEGIN waits for its first
statement, and a raw `COPY` before that runs in autocommit and survives the rollback (seen with SQLAlchemy 2.1, asyncpg 0.32).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

POOL_SIZE = 10
STATEMENT_TIMEOUT_MS = 10_000


def create_engine(url: str, *, pool_size: int = POOL_SIZE, application_name: str = "guanxi") -> AsyncEngine:
    """Make the process's only engine. `url` is a `postgresql://` URL.

    Server settings: a statement ends after 10 s; a dropped client's statement is stopped within 5 s; a transaction left idle is
    ended after 30 s, so that it cannot hold back vacuum on the queue tables.
    """
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        connect_args={
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


class UnitOfWork:
    """One transaction. Made by `Database.transaction`; only an edge (route, consumer runner, job) calls `commit`."""

    def __init__(self, connection: AsyncConnection, driver: "asyncpg.Connection[Any]") -> None:
        self.connection = connection
        self.driver = driver
        self._after_commit: list[Callable[[], Awaitable[None]]] = []
        self._committed = False

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement in this transaction."""
        return cast("CursorResult[Any]", await self.connection.execute(statement, parameters))

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run `callback` once the transaction is durable (a wake-up, never an effect that must happen)."""
        self._after_commit.append(callback)

    async def commit(self) -> None:
        """Make everything durable. A second call is a programming error."""
        if self._committed:
            raise RuntimeError("this unit of work is committed already")
        await self.driver.execute("COMMIT")
        self._committed = True
        for callback in self._after_commit:
            await callback()

    @property
    def committed(self) -> bool:
        return self._committed


class Database:
    """The process's pool. `transaction()` hands out units of work."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[UnitOfWork]:
        """Open a transaction; what is not committed by the end of the block is rolled back.

        READ COMMITTED. A connection whose state is unknown (the task was cancelled in a statement) is dropped, not reused.
        """
        async with self.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = cast("asyncpg.Connection[Any]", raw.driver_connection)
            await driver.execute("BEGIN READ ONLY" if readonly else "BEGIN")
            uow = UnitOfWork(connection, driver)
            try:
                yield uow
            finally:
                if not uow.committed:
                    await _roll_back(connection, driver)

    async def dispose(self) -> None:
        await self.engine.dispose()


async def _roll_back(connection: AsyncConnection, driver: "asyncpg.Connection[Any]") -> None:
    try:
        if not driver.is_closed() and driver.is_in_transaction():
            await driver.execute("ROLLBACK")
    except BaseException:
        await connection.invalidate()
        raise
