"""Making a backup."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anyio
import asyncpg

from guanxi_common.backup import programs
from guanxi_common.backup.manifest import PARTIAL, BackupError, Dump, Manifest, digest_of, folder_name, made_at_of, outlived
from guanxi_common.security.secret_files import replace

ORDER: Final = ("engagement", "scoring", "customer", "keys", "bus")
"""In which snapshots are taken: who reads before who writes, and the log, which everybody reads, last."""

_FIGURES: Final = {
    "alembic_version": "SELECT max(version_num) AS revision FROM alembic_version",
    "audit_head": "SELECT size AS audit_size, encode(root, 'hex') AS audit_root FROM audit_head ORDER BY size DESC LIMIT 1",
    "owner_epoch": "SELECT max(epoch) AS epoch FROM owner_epoch",
    "consumer_position": "SELECT jsonb_object_agg(topic || '[' || partition || ']', position) AS positions FROM consumer_position",
}
"""What the manifest says of a database, by the table that holds it. Columns are named as in `Dump`."""


async def make_backup(sources: Mapping[str, str], folder: Path, now: datetime) -> Path:
    """Dump the databases (name → URL) into a new folder below `folder`, and return it.

    All dumps show one moment. A backup that breaks off leaves nothing behind that looks like one. Raises `BackupError`.
    """
    made = folder / folder_name(now)
    partial = made.with_name(made.name + PARTIAL)
    partial.mkdir(parents=True, mode=0o700)
    try:
        async with AsyncExitStack() as stack:
            snapshots = {name: await _snapshot(stack, url) for name, url in _in_order(sources)}
            dumps = {name: await _dump(partial, name, sources[name], *snapshots[name]) for name in snapshots}
        Manifest(now, dumps).write(partial)
        for file in (*partial.iterdir(), partial):
            _sync(file)
        partial.rename(made)
        _sync(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return made


def prune_key_backups(folder: Path, now: datetime) -> list[Path]:
    """Delete the key backups below `folder` that have outlived their time, whole or broken off; returns them.

    Folders that hold no keys, or those of other databases too, are left alone. Raises `BackupError` in the end, naming the folders with
    keys whose age nothing tells.
    """
    backups, undated = [], []
    for dump in sorted(folder.glob("*/keys.dump")):
        try:
            manifest = Manifest.read(dump.parent)
        except BackupError:
            if made_at := made_at_of(dump.parent.name):
                backups.append((dump.parent, made_at))
            else:
                undated.append(dump.parent)
        else:
            if set(manifest.databases) == {"keys"}:
                backups.append((dump.parent, manifest.made_at))
    gone = outlived(backups, now)
    for one in gone:
        shutil.rmtree(one)
    if undated:
        names = ", ".join(map(str, undated))
        raise BackupError(f"{names}: keys without a readable manifest, so their age is unknown; delete them within 30 days")
    return gone


def copy_secrets(home: Path, folder: Path) -> None:
    """Copy the local secrets and the local issuer's keys below `home`, files of mode 600 in folders of mode 700.

    In production the secrets lie in the platform's store, which has backups of its own.
    """
    for name, file in _secrets_in(home):
        _copy(file, folder / name / file.relative_to(home / name))


def bring_back_secrets(folder: Path, home: Path, now: datetime) -> list[Path]:
    """Copy the secrets of a backup to `home`. One that is another there is kept in a folder beside, which is returned: what has been
    sealed since can be opened with it alone."""
    kept = []
    for name, file in _secrets_in(folder):
        inner = file.relative_to(folder / name)
        present = home / name / inner
        if present.is_file() and present.read_bytes() != file.read_bytes():
            aside = home / f"{name}_before_{folder_name(now)}"
            _copy(present, aside / inner)
            kept.append(aside)
        _copy(file, present)
    return sorted(set(kept))


def _secrets_in(home: Path) -> list[tuple[str, Path]]:
    """The files, each with the folder of `home` that it is in. The embedded server's own passwords are no secret of the data."""
    files = ((name, file) for name in ("secrets", "issuer") for file in sorted((home / name).rglob("*")))
    return [(name, file) for name, file in files if file.is_file() and file.name != "databases"]


def _copy(file: Path, target: Path) -> None:
    for parent in reversed(target.parents):
        parent.mkdir(exist_ok=True, mode=0o700)
    replace(target, file.read_bytes())


def _in_order(sources: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, sources[name]) for name in sorted(sources, key=lambda name: ORDER.index(name) if name in ORDER else -1)]


async def _snapshot(stack: AsyncExitStack, url: str) -> tuple[str, dict[str, Any]]:
    """Export a snapshot, held until the stack ends, and read the manifest's figures in it."""
    try:
        connection = await asyncpg.connect(url, server_settings={"idle_in_transaction_session_timeout": "0"})
    except (OSError, asyncpg.PostgresError) as error:
        raise BackupError(f"a database cannot be reached: {type(error).__name__}") from error
    stack.push_async_callback(connection.close)
    await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
    figures: dict[str, Any] = {"server": await connection.fetchval("SHOW server_version")}
    for table, query in _FIGURES.items():
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
            figures |= dict(await connection.fetchrow(query) or {})
    if figures.get("positions") is not None:
        figures["positions"] = json.loads(figures["positions"])
    return await connection.fetchval("SELECT pg_export_snapshot()"), figures


async def _dump(folder: Path, name: str, url: str, snapshot: str, figures: Mapping[str, Any]) -> Dump:
    file = folder / f"{name}.dump"
    file.touch(mode=0o600)
    await programs.dump(url, snapshot, file)
    digest = await anyio.to_thread.run_sync(digest_of, file)
    return Dump(file.name, digest, file.stat().st_size, **figures)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
