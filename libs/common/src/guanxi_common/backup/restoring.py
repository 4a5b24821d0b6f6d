"""Restoring a backup into empty databases, and holding what was restored against its manifest."""

import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from guanxi_common.backup import programs
from guanxi_common.backup.manifest import BackupError, Dump, Manifest
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.wrapping import CannotUnwrap, KeyWrapper
from guanxi_common.recovery.epochs import raise_epoch
from guanxi_common.security.audit.export import export_log
from guanxi_common.security.audit.verify import Report, verify

_TABLES: Final = """
SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg_toast%'
"""
_SAMPLE: Final = 1_000


async def restore_backup(folder: Path, targets: Mapping[str, str], only: Sequence[str] = ()) -> Manifest:
    """Restore the dumps of `folder` into the databases `targets` (name → URL), which must be there and empty.

    `only` names the databases wanted; all of the backup without it. Every file is held against its hash, and every database is looked
    at, before the first is written. Raises `BackupError`.
    """
    manifest = Manifest.read(folder)
    wanted = {name: dump for name, dump in manifest.databases.items() if not only or name in only}
    problems = [f"the backup holds no database {name!r}" for name in only if name not in manifest.databases]
    problems += [f"no address is given for the database {name!r}" for name in wanted if name not in targets]
    problems += Manifest(manifest.made_at, wanted).problems(folder)
    for name in wanted.keys() & targets.keys():
        problems += await _occupied(name, targets[name])
    if problems:
        raise BackupError("\n".join(problems))
    for name, dump in wanted.items():
        await programs.restore(targets[name], folder / dump.file)
    return Manifest(manifest.made_at, wanted)


async def differences(manifest: Manifest, targets: Mapping[str, str], public_keys: Sequence[bytes] = ()) -> list[str]:
    """What the restored databases do not show of what the manifest says: revision, and an audit log that holds up to its head.

    `public_keys` of the audit log's signer; without them a head is held against the key beside it.
    """
    problems = []
    for name, dump in manifest.databases.items():
        connection = await asyncpg.connect(targets[name])
        try:
            problems += [f"{name}: {problem}" for problem in await _differences(connection, name, dump, public_keys)]
        finally:
            await connection.close()
    return problems


async def begin_epochs(targets: Mapping[str, str], restore: str, by: str, now: datetime) -> dict[str, int]:
    """Begin a new epoch in each restored service's database, as `guanxi restored` does: its versions count on from older numbers."""
    begun = {}
    for name, url in targets.items():
        database = Database(create_engine(url, pool_size=1, application_name="guanxi restore"))
        try:
            async with database.transaction() as uow:
                begun[name] = (await raise_epoch(uow, restore, by, now)).epoch
                await uow.commit()
        finally:
            await database.dispose()
    return begun


async def unreadable_keys(url: str, wrapper: KeyWrapper) -> int:
    """How many of the newest thousand data keys do not open under the master keys at hand."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT customer_id, key_id, wrapped, master_id FROM data_key ORDER BY created_at DESC LIMIT $1", _SAMPLE
        )
    finally:
        await connection.close()
    return sum([not await _opens(wrapper, row) for row in rows])


async def customers_without_key(customer_url: str, keys_url: str) -> list[UUID]:
    """Customers of whom nothing sealed can be read: their keys are younger than the key backup, or were destroyed."""
    customers, keys = await asyncpg.connect(customer_url), await asyncpg.connect(keys_url)
    try:
        known = {row[0] for row in await keys.fetch("SELECT DISTINCT customer_id FROM data_key")}
        return [row[0] for row in await customers.fetch("SELECT customer_id FROM customer_contact") if row[0] not in known]
    finally:
        await customers.close()
        await keys.close()


async def _occupied(name: str, url: str) -> list[str]:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError) as error:
        return [f"{name}: the database cannot be reached ({type(error).__name__})"]
    try:
        return [f"{name}: the database is not empty"] if await connection.fetchval(_TABLES) else []
    finally:
        await connection.close()


async def _differences(connection: "asyncpg.Connection[Any]", name: str, dump: Dump, public_keys: Sequence[bytes]) -> list[str]:
    problems = []
    if dump.revision is not None:
        revision = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
        if revision != dump.revision:
            problems.append(f"at revision {revision}, the manifest says {dump.revision}")
    if dump.audit_size is not None:
        report = await _verified(export_log(connection, f"{name}-svc"), public_keys)
        problems += report.problems
        last = report.last
        if last is None or (last.size, last.root.hex()) != (dump.audit_size, dump.audit_root):
            problems.append(f"the audit log ends at another head than the manifest's of {dump.audit_size} entries")
    return problems


async def _verified(lines: AsyncGenerator[str, None], public_keys: Sequence[bytes]) -> Report:
    """The log's verification, by way of a file: the export is read once to its end, and memory stays flat."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as export:
        async with aclosing(lines) as source:
            async for line in source:
                export.write(line)
        export.seek(0)
        return verify(export, public_keys=public_keys)


async def _opens(wrapper: KeyWrapper, row: Any) -> bool:
    try:
        await wrapper.unwrap(row["wrapped"], row["master_id"], row["customer_id"].bytes + row["key_id"].bytes)
    except CannotUnwrap:
        return False
    return True


def age_of(manifest: Manifest, now: datetime) -> str:
    """How old the backup is, for the operator."""
    return f"made at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, {(now - manifest.made_at).total_seconds() / 3600:.1f} hours ago"
