"""The log's own connection pool and schema, and what of the driver's errors means that the server is away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg

from guanxi_common.messaging.bus import BusError, BusUnavailable

SCHEMA_VERSION = 2
_INSTALL_LOCK = 0x67784275
_SERVER_SETTINGS = {
    "application_name": "guanxi-bus",
    "statement_timeout": "10000",
    "lock_timeout": "5000",
    # A member that is frozen in the middle of a rebalance must not hold up its group for longer than a lease.
    "idle_in_transaction_session_timeout": "5000",
    "client_connection_check_interval": "5000",
    "timezone": "UTC",
    "jit": "off",
    # Every read is a range of the primary key. Without statistics, as after the first records, the planner may think otherwise.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
_AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
)

_OWNED = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'schema_version'::regclass"

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = Any  # a connection, or the pool's proxy of one


@contextmanager
def reported() -> Iterator[None]:
    """Raise `BusUnavailable` for what the driver raises when the server is away or overloaded."""
    try:
        yield
    except _AWAY as error:
        raise BusUnavailable(f"the log's database: {type(error).__name__}: {error}") from error


async def open_pool(url: str, size: int) -> Pool:
    """Connect, and install the schema if the database is empty. Raises `BusUnavailable`."""
    with reported():
        pool: Pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, timeout=5, command_timeout=15, server_settings=_SERVER_SETTINGS
        )
        try:
            async with pool.acquire() as connection, connection.transaction():
                await _install(connection)
        except BaseException:
            pool.terminate()
            raise
        return pool


async def connect(url: str) -> Connection:
    """A connection outside the pool, for LISTEN."""
    return await asyncpg.connect(url, timeout=5, command_timeout=15, server_settings=_SERVER_SETTINGS)


async def _install(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _INSTALL_LOCK)
    if await connection.fetchval("SELECT to_regclass('schema_version')") is None:
        await connection.execute(files(__package__).joinpath("schema.sql").read_text())
    installed = await connection.fetchval("SELECT version FROM schema_version")
    if installed == SCHEMA_VERSION - 1 and await connection.fetchval(_OWNED):
        await connection.execute(files(__package__).joinpath(f"schema_{SCHEMA_VERSION}.sql").read_text())
        installed = SCHEMA_VERSION
    if installed != SCHEMA_VERSION:
        raise BusError(f"the log's schema is version {installed}, this code needs {SCHEMA_VERSION}")
