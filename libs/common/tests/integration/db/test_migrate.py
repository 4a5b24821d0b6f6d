"""Migrations run once however many ask, keep to their time limits, and are checked against the tables of the code."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import asyncpg
import pytest
from alembic.util import CommandError
from guanxi_common.db import alembic_env
from guanxi_common.db.migrate import (
    SchemaBehind,
    check,
    current_revision,
    head_revision,
    migrate,
    migrations_folder,
    require_revision,
)
from guanxi_common.db.uow import Database, create_engine
from guanxi_testing.eventually import eventually
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.anyio

SERVICE = Path(__file__).parents[5] / "services" / "customer-svc"

DATABASE = """
from guanxi_common.db.metadata import NAMING_CONVENTION
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


COMMON_TABLES = ()
"""
TABLES = """
from sample_svc.database import Base
from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
"""
REVISION = """
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    op.execute("{statement}")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service of the house's layout with one slice, one table and one revision."""
    source = tmp_path / "sample-svc" / "src" / "sample_svc"
    (source / "entries").mkdir(parents=True)
    for file, text in {
        "__init__.py": "",
        "database.py": DATABASE,
        "entries/__init__.py": "",
        "entries/tables.py": TABLES,
    }.items():
        (source / file).write_text(text)
    migrations = tmp_path / "sample-svc" / "migrations"
    (migrations / "versions").mkdir(parents=True)
    (migrations / "env.py").write_text((SERVICE / "migrations" / "env.py").read_text().replace("customer_svc", "sample_svc"))
    for file in ("alembic.ini", "migrations/script.py.mako"):
        (tmp_path / "sample-svc" / file).write_text((SERVICE / file).read_text())
    _add_revision(migrations, "20260101_0900", "CREATE TABLE entry (id bigint, CONSTRAINT pk_entry PRIMARY KEY (id))")
    monkeypatch.syspath_prepend(str(source.parent))
    for module in [name for name in sys.modules if name.startswith("sample_svc")]:
        monkeypatch.delitem(sys.modules, module)
    return "sample_svc"


def _add_revision(migrations: Path, revision: str, statement: str, down: str | None = None) -> None:
    text = REVISION.format(revision=revision, down=repr(down), statement=statement)
    (migrations / "versions" / f"{revision}_step.py").write_text(text)


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    database = Database(create_engine(empty_database))
    yield database
    await database.dispose()


def _alembic(package: str, url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    folder = migrations_folder(package).parent
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


async def test_a_migrated_database_is_at_the_head_and_agrees_with_the_tables(
    package: str, empty_database: str, database: Database
) -> None:
    async with database.transaction() as uow:
        assert await current_revision(uow) is None
    await migrate(empty_database, package)
    await migrate(empty_database, package)
    await anyio.to_thread.run_sync(check, empty_database, package)
    async with database.transaction() as uow:
        assert await current_revision(uow) == head_revision(package) == "20260101_0900"


async def test_a_table_without_a_revision_is_found(package: str, empty_database: str) -> None:
    tables = migrations_folder(package).parent / "src" / package / "entries" / "tables.py"
    tables.write_text(tables.read_text() + "    note: Mapped[str]\n")
    await migrate(empty_database, package)
    with pytest.raises(CommandError, match="note"):
        await anyio.to_thread.run_sync(check, empty_database, package)


async def test_partitions_are_no_difference(package: str, empty_database: str) -> None:
    migrations = migrations_folder(package)
    (migrations / "versions" / "20260101_0900_step.py").unlink()
    partitioned = (
        "DO $$ BEGIN CREATE TABLE entry (id bigint, CONSTRAINT pk_entry PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        " CREATE TABLE entry_1 PARTITION OF entry DEFAULT; END $$"
    )
    _add_revision(migrations, "20260101_0900", partitioned)
    await migrate(empty_database, package)
    await anyio.to_thread.run_sync(check, empty_database, package)


async def test_two_migrators_at_once_migrate_once(package: str, empty_database: str, database: Database) -> None:
    """The revision fails if it runs twice, and it runs long enough for the second to have to wait."""
    slow = "DO $$ BEGIN PERFORM pg_sleep(0.3); CREATE TABLE only_once (id int); END $$"
    _add_revision(migrations_folder(package), "20260102_0900", slow, down="20260101_0900")
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(_migrate_in_a_process, package, empty_database)
    async with database.transaction() as uow:
        assert await current_revision(uow) == "20260102_0900"


async def _migrate_in_a_process(package: str, url: str) -> None:
    done = await anyio.to_thread.run_sync(_alembic, package, url, "upgrade", "head")
    assert done.returncode == 0, done.stderr


async def test_a_revision_that_cannot_get_its_lock_fails_and_changes_nothing(
    package: str, empty_database: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alembic_env, "LOCK_TIMEOUT_MS", 200)
    await migrate(empty_database, package)
    _add_revision(migrations_folder(package), "20260102_0900", "ALTER TABLE entry ADD note text", down="20260101_0900")
    holder = await asyncpg.connect(empty_database)
    async with holder.transaction():
        await holder.execute("LOCK TABLE entry IN ACCESS SHARE MODE")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await migrate(empty_database, package)
    await holder.close()
    async with database.transaction() as uow:
        assert await current_revision(uow) == "20260101_0900"


async def test_a_killed_migrator_leaves_the_turn_to_the_next(
    package: str, empty_database: str, database: Database, postgres_admin: asyncpg.Connection
) -> None:
    versions = migrations_folder(package)
    _add_revision(versions, "20260102_0900", "SELECT pg_sleep(60)", down="20260101_0900")
    environment = {**os.environ, "DATABASE_URL": empty_database, "PYTHONPATH": str(versions.parent / "src")}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    async with await anyio.open_process(command, cwd=versions.parent, env=environment, stderr=subprocess.DEVNULL) as migrator:
        name = empty_database.rsplit("/", 1)[1]

        async def sleeping() -> bool:
            count = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'"
            return bool(await postgres_admin.fetchval(count, name))

        await eventually(sleeping, timeout=20)
        migrator.kill()
    _add_revision(versions, "20260102_0900", "SELECT 1", down="20260101_0900")
    with anyio.fail_after(20):
        await migrate(empty_database, package)
    async with database.transaction() as uow:
        assert await current_revision(uow) == "20260102_0900"


async def test_a_database_ahead_of_the_code_is_ready_and_one_behind_is_not(
    package: str, empty_database: str, database: Database
) -> None:
    async with database.transaction() as uow:
        with pytest.raises(SchemaBehind):
            await require_revision(uow, "20260101_0900")
        await require_revision(uow, None)
    await migrate(empty_database, package)
    async with database.transaction() as uow:
        await require_revision(uow, "20260101_0900")
        await require_revision(uow, "20251231_2359")
        with pytest.raises(SchemaBehind, match="20260101_0900"):
            await require_revision(uow, "20260102_0000")


async def test_a_new_revision_is_named_by_its_date(package: str, empty_database: str) -> None:
    await migrate(empty_database, package)
    made = _alembic(package, empty_database, "revision", "--autogenerate", "-m", "Add the note")
    assert made.returncode == 0, made.stderr
    newest = max((migrations_folder(package) / "versions").glob("*.py"))
    assert re.fullmatch(r"\d{8}_\d{4}_add_the_note\.py", newest.name)
    assert f"revision = '{newest.name[:13]}'" in newest.read_text()
    assert head_revision(package) == newest.name[:13]


def test_migrations_are_found_by_the_variable_in_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_svc").mkdir()
    monkeypatch.setenv("GUANXI_MIGRATIONS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="GUANXI_MIGRATIONS"):
        migrations_folder("sample_svc")
    (tmp_path / "sample_svc" / "env.py").touch()
    assert migrations_folder("sample_svc") == tmp_path / "sample_svc"
