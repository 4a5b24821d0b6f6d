"""Databases for tests: one real server per run, a migrated template per service, a fresh copy of it per test.

The server keeps nothing over a crash of the machine. Its folder lies below the system's temporary folder, and what a killed
run left there is ended and removed by the next.
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from guanxi_common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from guanxi_common.db.migrate import migrate

_PREFIX = "guanxi-test-postgres-"
_BUILD_LOCK = 0x6755616E

Build = Callable[[str], Awaitable[None]]


def start_server() -> EmbeddedPostgres:
    """Start this run's server in a folder of its own. End it with its `delete`."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    return server


def _remove_abandoned() -> None:
    """End and delete the servers of runs that were killed: those whose launcher's lock is free."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # A live run holds its lock or is about to take it; a folder of another user cannot be opened; one may just be deleted.
        if (folder / "launcher.lock").exists():
            with suppress(EmbeddedPostgresError, OSError):
                EmbeddedPostgres(folder).delete()


class TestServer:
    """The run's server as a test sees it. `admin_url` is the superuser's, `owner_url` the one that services connect with."""

    __test__ = False

    def __init__(self, admin_url: str, owner_url: str) -> None:
        self.admin_url = admin_url
        self._owner_url = owner_url

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self._owner_url)._replace(path=f"/{database}"))

    async def template(self, name: str, build: Build) -> str:
        """The template database `name`, filled by `build(url)` once per run however many processes ask; returns its name."""
        async with self._admin() as admin:
            await admin.execute("SELECT pg_advisory_lock($1)", _BUILD_LOCK)
            if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                unfinished = f"{name}_{uuid4().hex[:8]}"
                await admin.execute(f'CREATE DATABASE "{unfinished}" OWNER guanxi')
                await build(self.url(unfinished))
                await admin.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
        return name

    @asynccontextmanager
    async def database(self, template: str = "template1") -> AsyncIterator[str]:
        """A database of the test's own, copied from `template`; yields its URL and drops it afterwards."""
        name = f"test_{uuid4().hex}"
        async with self._admin() as admin:
            # FILE_COPY: 17 ms for 30 tables, and 38 ms with WAL_LOG, while nothing is synced.
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY OWNER guanxi')
        try:
            yield self.url(name)
        finally:
            async with self._admin() as admin:
                await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def service_database(self, package: str) -> AsyncIterator[str]:
        """A fresh database with the schema of the service `package` (`customer_svc`, …); yields its URL."""

        async def build(url: str) -> None:
            await migrate(url, package)

        async with self.database(await self.template(f"template_{package}", build)) as url:
            yield url

    @asynccontextmanager
    async def _admin(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await asyncpg.connect(self.admin_url)
        try:
            yield connection
        finally:
            await connection.close()
