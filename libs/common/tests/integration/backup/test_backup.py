"""Backups of real databases: one moment for all of them, nothing half made, everything held against the manifest."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.from_thread
import asyncpg
import pytest
from guanxi_common.backup import commands, dumping, programs
from guanxi_common.backup.dumping import bring_back_secrets, copy_secrets, make_backup, prune_key_backups
from guanxi_common.backup.manifest import BackupError, Dump, Manifest
from guanxi_common.backup.restoring import begin_epochs, differences, restore_backup, unreadable_keys
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.audit.sealer import AuditSealer
from guanxi_common.security.principal import AuditContext, Purpose
from guanxi_testing.databases import TestServer
from typer import Typer
from typer.testing import CliRunner

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
AUDIT = AuditContext("staff:7", "readCustomer", Purpose.CUSTOMER_SERVICE, "req-1")


@pytest.fixture
async def customer(postgres: TestServer) -> AsyncIterator[str]:
    """customer-svc's database with three sealed audit entries."""
    async with postgres.service_database("customer_svc") as url:
        await log_reads(url, 3)
        yield url


@pytest.fixture
async def empty(postgres: TestServer) -> AsyncIterator[Callable[[], Any]]:
    async with AsyncExitStack() as stack:

        async def make() -> str:
            return await stack.enter_async_context(postgres.database())

        yield make


async def log_reads(url: str, count: int) -> None:
    database = Database(create_engine(url, pool_size=2))
    async with database.transaction() as uow:
        await audit.record_many(uow, AUDIT, [uuid4() for _ in range(count)], ("name",))
        await uow.commit()
    await AuditSealer(database, "customer-svc", bytes(range(32)), ManualClock(NOW)).seal_all()
    await database.dispose()


async def fetchval(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_restored_database_shows_what_the_manifest_says(customer: str, empty: Callable[[], Any], tmp_path: Path) -> None:
    made = await make_backup({"customer": customer}, tmp_path, NOW)
    await log_reads(customer, 2)  # after the moment of the backup
    target = await empty()
    restored = await restore_backup(made, {"customer": target})
    assert (restored.databases["customer"].audit_size, await differences(restored, {"customer": target})) == (3, [])
    assert await fetchval(target, "SELECT count(*) FROM audit_entry") == 3
    with pytest.raises(asyncpg.RestrictViolationError):  # the guards of the audit log came along
        await fetchval(target, "DELETE FROM audit_entry RETURNING id")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_entry SET actor = 'staff:8' WHERE sealed_seq = 1",
        "DELETE FROM audit_entry WHERE sealed_seq = 2",
        "DELETE FROM audit_head",
        "WITH cut AS (DELETE FROM audit_entry WHERE sealed_seq >= 3) DELETE FROM audit_head WHERE size > 3",
        "UPDATE alembic_version SET version_num = '20260101_0000'",
    ],
)
async def test_a_restored_database_that_was_tampered_with_is_noticed(
    customer: str, empty: Callable[[], Any], tmp_path: Path, tampering: str
) -> None:
    await log_reads(customer, 2)
    made = await make_backup({"customer": customer}, tmp_path, NOW)
    target = await empty()
    restored = await restore_backup(made, {"customer": target})
    await fetchval(target, "ALTER TABLE audit_entry DISABLE TRIGGER USER")
    await fetchval(target, "ALTER TABLE audit_head DISABLE TRIGGER USER")
    await fetchval(target, tampering)
    assert await differences(restored, {"customer": target})


async def test_nothing_is_written_where_a_database_is_occupied_or_a_file_was_changed(
    customer: str, empty: Callable[[], Any], tmp_path: Path
) -> None:
    made = await make_backup({"customer": customer, "keys": await empty()}, tmp_path, NOW)
    free, taken = await empty(), await empty()
    await fetchval(taken, "CREATE TABLE kept (id int)")
    with pytest.raises(BackupError, match="keys: the database is not empty"):
        await restore_backup(made, {"customer": free, "keys": taken})
    with (made / "keys.dump").open("ab") as file:
        file.write(b"!")
    with pytest.raises(BackupError, match="bytes, not"):
        await restore_backup(made, {"customer": free, "keys": await empty()})
    assert await fetchval(free, "SELECT count(*) FROM pg_class WHERE relname = 'audit_entry'") == 0


async def test_all_dumps_show_one_moment_and_consumers_are_never_ahead_of_owners(
    empty: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written while the dumps are made is in none of them."""
    urls = {name: await empty() for name in ("customer", "engagement", "bus")}
    for url in urls.values():
        await fetchval(url, "CREATE TABLE fact (n int)")
    plainly, order = programs.dump, []

    async def dump(url: str, snapshot: str, file: Path) -> None:
        order.append(file.stem)
        for other in urls.values():
            await fetchval(other, "INSERT INTO fact VALUES (1)")
        await plainly(url, snapshot, file)

    monkeypatch.setattr(programs, "dump", dump)
    made = await make_backup(urls, tmp_path, NOW)
    assert order == ["engagement", "customer", "bus"]
    for name in urls:
        target = await empty()
        await restore_backup(made, {name: target}, [name])
        assert await fetchval(target, "SELECT count(*) FROM fact") == 0


async def test_a_backup_that_breaks_off_leaves_nothing(customer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_url: str, _snapshot: str, file: Path) -> None:
        await anyio.Path(file).write_bytes(b"half")
        raise BackupError("the disk is full")

    monkeypatch.setattr(programs, "dump", fail)
    with pytest.raises(BackupError):
        await make_backup({"customer": customer}, tmp_path, NOW)
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []


async def test_the_password_is_on_no_command_line(customer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    plainly = programs.subprocess.run

    def run(command: list[str], **options: Any) -> Any:
        seen.append(command)
        return plainly(command, **options)

    monkeypatch.setattr(programs.subprocess, "run", run)
    await make_backup({"customer": customer}, tmp_path, NOW)
    password = customer.split(":")[2].partition("@")[0]
    assert seen
    assert all(password not in word for command in seen for word in command)


async def test_d20_keys_are_backed_up_apart_and_what_does_not_open_is_counted(empty: Callable[[], Any], tmp_path: Path) -> None:
    url = await empty()
    store = DatabaseKeyStore(Database(create_engine(url, pool_size=2)), LocalKeyWrapper({"1": b"m" * 32}), ManualClock(NOW))
    await store.create_schema()
    await store.create_many([uuid4() for _ in range(3)])
    await store.close()
    made = await make_backup({"keys": url}, tmp_path, NOW)
    target = await empty()
    await restore_backup(made, {"keys": target})
    assert await unreadable_keys(target, LocalKeyWrapper({"1": b"m" * 32})) == 0
    assert await unreadable_keys(target, LocalKeyWrapper({"1": b"n" * 32})) == 3


def test_d20_key_backups_are_pruned_and_other_folders_are_left_alone(tmp_path: Path) -> None:
    """Also those that broke off or cannot be read: each holds keys. One bad folder keeps no other."""

    def put(name: str, *databases: str, manifest: datetime | str | None) -> None:
        (tmp_path / name).mkdir()
        for database in databases:
            (tmp_path / name / f"{database}.dump").touch()
        if isinstance(manifest, datetime):
            Manifest(manifest, {name: Dump(f"{name}.dump", "", 0, "18") for name in databases}).write(tmp_path / name)
        elif manifest is not None:
            (tmp_path / name / "manifest.json").write_text(manifest)

    old, young = NOW - timedelta(days=31), NOW - timedelta(days=29)
    put("0 first by name and of no age", "keys", manifest="{")
    put("whole and old", "keys", manifest=old)
    put("whole and young", "keys", manifest=young)
    put("more than keys", "keys", "customer", manifest=old)
    put(f"{dumping.folder_name(old)}.partial", "keys", manifest=None)
    put(f"{dumping.folder_name(young)}.partial", "keys", manifest=None)
    put(dumping.folder_name(old), "keys", manifest='{"format": 99}')
    put("notes", manifest=None)
    with pytest.raises(BackupError, match="0 first by name and of no age: keys without a readable manifest"):
        prune_key_backups(tmp_path, NOW)
    assert {folder.name for folder in tmp_path.iterdir()} == {
        "0 first by name and of no age",
        "whole and young",
        "more than keys",
        f"{dumping.folder_name(young)}.partial",
        "notes",
    }


def test_d20_secrets_that_come_back_keep_those_that_were_there(tmp_path: Path) -> None:
    """The database that is set aside beside them holds keys wrapped under a master key that no backup has."""
    home, copy = tmp_path / "home", tmp_path / "copy"
    for folder, content in ((home, "new"), (copy, "old")):
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets/master-keys").write_text(content)
        (folder / "secrets/audit-key").write_text("same")
    [aside] = bring_back_secrets(copy, home, NOW)
    assert (home / "secrets/master-keys").read_text() == "old"
    assert {file.name: file.read_text() for file in aside.iterdir()} == {"master-keys": "new"}
    assert bring_back_secrets(copy, home, NOW + timedelta(hours=1)) == []


def test_d20_a_restore_that_is_refused_has_changed_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, data, copy = tmp_path / "home", tmp_path / "data", tmp_path / "copy"
    for folder, content in ((home, "new"), (copy, "old")):
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets/master-keys").write_text(content)
    data.mkdir()
    (data / "customer.dump").write_text("changed since")
    Manifest(NOW, {"customer": Dump("customer.dump", "0" * 64, 13, "18")}).write(data)
    monkeypatch.setattr(commands, "default_home", lambda: home)
    app = Typer()
    app.command()(commands.restore)
    outcome = CliRunner().invoke(app, [str(data), "--secrets", str(copy)])
    assert (outcome.exit_code, "its hash is another" in outcome.output) == (1, True), outcome.output
    assert [file.read_text() for file in home.rglob("*") if file.is_file()] == ["new"]


def test_secrets_are_copied_for_their_owner_alone(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    for name in ("secrets/master-keys", "secrets/databases", "issuer/keys/current.pem"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    copy_secrets(home, copy)
    files = sorted(file for file in copy.rglob("*") if file.is_file())
    assert [str(file.relative_to(copy)) for file in files] == ["issuer/keys/current.pem", "secrets/master-keys"]
    assert {file.stat().st_mode & 0o077 for file in copy.rglob("*")} == {0}


def test_backup_keys_and_secrets_must_lie_apart(tmp_path: Path) -> None:
    app = Typer()
    app.command()(commands.backup)
    for arguments in ([], [str(tmp_path), "--keys", str(tmp_path / "keys")], ["--keys", "/k", "--secrets", "/k"]):
        outcome = CliRunner().invoke(app, arguments)
        assert outcome.exit_code == 1, outcome.output
        assert not list(tmp_path.iterdir())


def test_the_newest_backup_of_a_folder_is_meant(tmp_path: Path) -> None:
    for age in (2, 1, 3):
        folder = tmp_path / dumping.folder_name(NOW - timedelta(days=age))
        folder.mkdir()
        Manifest(NOW, {}).write(folder)
    newest = tmp_path / dumping.folder_name(NOW - timedelta(days=1))
    assert commands._backup_in(tmp_path) == commands._backup_in(newest) == newest
    with pytest.raises(BackupError):
        commands._backup_in(tmp_path / "none")


async def test_d20_a_restored_service_begins_a_new_epoch_once_for_each_restore(customer: str) -> None:
    first = await begin_epochs({"customer": customer}, "monday", "host:op", NOW)
    assert await begin_epochs({"customer": customer}, "monday", "host:op", NOW) == first
    assert (await begin_epochs({"customer": customer}, "tuesday", "host:op", NOW))["customer"] > first["customer"] > 1
    assert await fetchval(customer, "SELECT count(*) FROM republication WHERE finished_at IS NULL") == 1


def test_the_operator_backs_up_and_drills(postgres: TestServer, tmp_path: Path) -> None:
    """The commands from end to end: what was backed up restores into a server made for it."""

    async def prepare(stack: AsyncExitStack) -> dict[str, str]:
        urls = {"customer": await stack.enter_async_context(postgres.service_database("customer_svc"))}
        urls["keys"] = await stack.enter_async_context(postgres.database())
        await log_reads(urls["customer"], 2)
        store = DatabaseKeyStore(
            Database(create_engine(urls["keys"], pool_size=2)), LocalKeyWrapper({"1": b"m" * 32}), ManualClock(NOW)
        )
        await store.create_schema()
        await store.create(uuid4())
        await store.close()
        return urls

    with anyio.from_thread.start_blocking_portal() as portal:
        stack = portal.call(AsyncExitStack)
        urls = portal.call(prepare, stack)
        try:
            databases = [word for name, url in urls.items() for word in ("--database", f"{name}={url}")]
            folders = [str(tmp_path / "data"), "--keys", str(tmp_path / "keys")]
            assert _run("backup", *folders, *databases) == (0, [])
            assert _run("restore-drill", *folders) == (0, [])
        finally:
            portal.call(stack.aclose)


def _run(command: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and what stood on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "guanxi_common.cli", command, *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()
