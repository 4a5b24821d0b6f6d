"""The Alembic environment that every service's `migrations/env.py` runs.

A migration holds an advisory lock on a connection of its own, so that replicas that start together migrate once and in turn. Each
revision is one transaction. A statement that cannot get its table lock within 3 s fails instead of queueing all traffic behind
it; one that runs longer than a minute fails too, unless its revision sets `SET LOCAL statement_timeout`.

Revisions only go forward: what was wrong is mended by the next one.
"""

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript
from sqlalchemy import Connection, MetaData, Table, pool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from guanxi_common.db.metadata import import_tables, service_metadata
from guanxi_common.db.uow import engine_address

LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 60_000
TURN_TIMEOUT_MS = 600_000
_MIGRATION_LOCK = 0x4D494752
# A killed migrator's statement must not hold its locks for longer than a second.
_SETTINGS = {"application_name": "guanxi-migration", "client_connection_check_interval": 1_000}


def run_migrations(package: str, own: MetaData, common: Sequence[Table]) -> None:
    """Do what the Alembic command asks, on `$DATABASE_URL` or the URL that `migrate` gave."""
    import_tables(package)
    if context.config.cmd_opts is not None:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    url = context.config.attributes.get("url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("set DATABASE_URL to the database to migrate (`guanxi postgres` prints those of the embedded server)")
    asyncio.run(_run(url, service_metadata(own, common)))


async def _run(url: str, metadata: MetaData) -> None:
    engine = _engine(url, lock_timeout=LOCK_TIMEOUT_MS, statement_timeout=STATEMENT_TIMEOUT_MS)
    turn = _engine(url, lock_timeout=TURN_TIMEOUT_MS, statement_timeout=0)
    try:
        async with turn.connect() as waiting:
            await waiting.execution_options(isolation_level="AUTOCOMMIT")
            await waiting.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            async with engine.connect() as connection:
                await connection.run_sync(_migrate, metadata)
                await connection.commit()
    finally:
        await engine.dispose()
        await turn.dispose()


def _engine(url: str, **settings: int) -> AsyncEngine:
    address, arguments = engine_address(url)
    server_settings = {name: str(value) for name, value in {**_SETTINGS, **settings}.items()}
    return create_async_engine(address, poolclass=pool.NullPool, connect_args={**arguments, "server_settings": server_settings})


def _migrate(connection: Connection, metadata: MetaData) -> None:
    partitions = set(connection.execute(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")).scalars())
    connection.commit()

    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name not in partitions

    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_server_default=True,
        include_name=include_name,
        process_revision_directives=_name_by_date,
    )
    with context.begin_transaction():
        context.run_migrations()


def _name_by_date(_context: Any, _revision: Any, directives: Iterable[MigrationScript]) -> None:
    """Give a new revision its UTC time as id: files sort by date, and a later id means a later schema."""
    for directive in directives:
        directive.rev_id = datetime.now(UTC).strftime("%Y%m%d_%H%M")
