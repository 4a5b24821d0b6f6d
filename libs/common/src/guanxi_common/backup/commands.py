"""The operator's commands `backup`, `restore` and `restore-drill`."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import anyio
import typer

from guanxi_common.backup.dumping import bring_back_secrets, copy_secrets, make_backup, prune_key_backups
from guanxi_common.backup.manifest import FILE, BackupError, Manifest, folder_name
from guanxi_common.backup.restoring import (
    age_of,
    begin_epochs,
    customers_without_key,
    differences,
    restore_backup,
    unreadable_keys,
)
from guanxi_common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from guanxi_common.installation import POSTGRES_PORT, SERVICES, SHARED_DATABASES, database_on, default_home
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_common.recovery.commands import operator
from guanxi_common.security.secret_files import kept_database_urls
from guanxi_common.settings import ServiceSettings

_DATABASES: Final = (*SERVICES, *SHARED_DATABASES)

Server = Annotated[str | None, typer.Option(envvar="DATABASE_URL", help="The server that has all guanxi_… databases.")]
Address = Annotated[list[str] | None, typer.Option("--database", help="NAME=URL of a database elsewhere; may be repeated.")]
Source = Annotated[Path, typer.Argument(help="A backup, or the folder of backups whose newest is meant.")]
Keys = Annotated[Path | None, typer.Option(help="The key backup, or the folder of key backups whose newest is meant.")]
Secrets = Annotated[Path | None, typer.Option(help="Where the local secrets were copied to.")]


def backup(
    folder: Annotated[Path | None, typer.Argument(help="Where the backup gets a folder of its own.")] = None,
    keys: Annotated[Path | None, typer.Option(help="Where the key backup gets a folder; older than 30 days: deleted.")] = None,
    secrets: Annotated[Path | None, typer.Option(help="Where to copy the local secrets to.")] = None,
    server: Server = None,
    database: Address = None,
) -> None:
    """Back up the services' databases and the log, the customers' keys apart from them, and the local secrets apart from both.

    At least one of the three is given. Nothing is stopped. Key backups live at most 30 days: each brings back destroyed keys.
    """
    places = [place.absolute() for place in (folder, keys, secrets) if place is not None]
    if not places:
        _fail("say where: a folder, --keys or --secrets")
    if any(one == other or one in other.parents for one in places for other in places if one is not other):
        _fail("backup, keys and secrets must lie apart: whoever gets one folder must not get the others with it")
    try:
        if folder is not None or keys is not None:
            _back_up(folder, keys, _addresses(server, database))
        if secrets is not None:
            copy_secrets(default_home(), secrets)
            typer.echo(f"secrets in {secrets}")
    except (BackupError, OSError) as error:
        _fail(error)


def restore(
    folder: Source,
    keys: Keys = None,
    secrets: Secrets = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this database; may be repeated.")] = None,
    server: Server = None,
    database: Address = None,
    postgres_port: Annotated[int, typer.Option(envvar="GUANXI_POSTGRES_PORT")] = POSTGRES_PORT,
) -> None:
    """Restore a backup into empty databases: of the server given, else of the embedded one in $GUANXI_HOME, which must not run.

    On the embedded server a database that is there is set aside under another name, and so are secrets that are others.
    Everything is held against the manifest: hashes before anything is written, then revisions, the audit logs and whether the
    keys open. Each restored service is then in a new epoch, and its worker publishes its snapshots anew.
    """
    home = default_home()
    try:
        data, key_backup = _backup_in(folder), _backup_in(keys) if keys else None
        wanted = _wanted(data, key_backup, only or [])
        _demand_whole(data, key_backup)
        if secrets is not None:
            for aside in bring_back_secrets(secrets, home, datetime.now(UTC)):
                typer.echo(f"the secrets that were here are kept in {aside}: what was sealed since the backup needs them")
        if server or database:
            problems = anyio.run(_restore_and_begin, data, key_backup, wanted, _addresses(server, database), home)
        else:
            with EmbeddedPostgres(home / "postgres", port=postgres_port) as embedded:
                targets = {name: _make_room(embedded, name) for name in wanted}
                problems = anyio.run(_restore_and_begin, data, key_backup, wanted, targets, home)
    except (BackupError, EmbeddedPostgresError, OSError) as error:
        _fail(error)
    _finish(problems)


def restore_drill(folder: Source, keys: Keys = None, secrets: Secrets = None) -> None:
    """Restore a backup into a server made for it and thrown away afterwards: shows that the backup can be used."""
    with _scratch() as (home, embedded):
        try:
            data, key_backup = _backup_in(folder), _backup_in(keys) if keys else None
            if secrets is not None:
                copy_secrets(secrets, home)
            wanted = _wanted(data, key_backup, [])
            targets = {name: _make_room(embedded, name) for name in wanted}
            problems = anyio.run(_restore_all, data, key_backup, wanted, targets, home)
        except (BackupError, EmbeddedPostgresError, OSError) as error:
            _fail(error)
    _finish(problems)


def _back_up(folder: Path | None, keys: Path | None, addresses: Mapping[str, str]) -> None:
    """The keys last: they then cover every customer of the other dumps."""
    now = datetime.now(UTC)
    if folder is not None:
        others = {name: url for name, url in addresses.items() if name != "keys"}
        typer.echo(f"backup in {anyio.run(make_backup, others, folder, now)}")
    if keys is not None:
        if "keys" not in addresses:
            raise BackupError("no address of the key database is given")
        typer.echo(f"keys in {anyio.run(make_backup, {'keys': addresses['keys']}, keys, now)}")
        for gone in prune_key_backups(keys, now):
            typer.echo(f"deleted {gone}: key backups live at most 30 days")


def _addresses(server: str | None, given: list[str] | None) -> dict[str, str]:
    """Where each database is: as given, else on the server given, else where `guanxi run` has its own. The log only without Kafka."""
    named = dict(one.partition("=")[::2] for one in given or [])
    if unknown := sorted(named.keys() - set(_DATABASES)):
        raise BackupError(f"there is no database {', '.join(unknown)}; there are {', '.join(_DATABASES)}")
    if named and not server:
        return named
    if not server:
        try:
            server = kept_database_urls(default_home())["customer-svc"]
        except FileNotFoundError:
            raise BackupError("nothing has been run here yet; give --server or --database") from None
    wanted = [name for name in _DATABASES if name != "bus" or not os.environ.get("KAFKA_BOOTSTRAP_SERVERS")]
    return {name: database_on(server, name) for name in wanted} | named


def _backup_in(folder: Path) -> Path:
    """The backup that is meant."""
    if (folder / FILE).is_file():
        return folder
    found = sorted(manifest.parent for manifest in folder.glob(f"*/{FILE}"))
    if not found:
        raise BackupError(f"{folder}: no backup here")
    return found[-1]


def _wanted(data: Path, keys: Path | None, only: list[str]) -> list[str]:
    """The databases to restore, each of the folder that holds it."""
    held = [*Manifest.read(data).databases, *(Manifest.read(keys).databases if keys else ())]
    if missing := sorted(set(only) - set(held)):
        raise BackupError(f"the backup holds no database {', '.join(missing)}")
    return [name for name in held if not only or name in only]


def _demand_whole(*backups: Path | None) -> None:
    """Raise `BackupError` where a file is not what its manifest says, before anything is written."""
    problems = [problem for backup in backups if backup for problem in Manifest.read(backup).problems(backup)]
    if problems:
        raise BackupError("\n".join(problems))


async def _restore_all(data: Path, keys: Path | None, wanted: list[str], targets: Mapping[str, str], home: Path) -> list[str]:
    problems = []
    for folder in (data, keys):
        here = [name for name in wanted if folder and name in Manifest.read(folder).databases]
        if folder is not None and here:
            manifest = await restore_backup(folder, targets, here)
            typer.echo(f"restored {', '.join(here)} from {folder}, {age_of(manifest, datetime.now(UTC))}")
            problems += await differences(manifest, targets)
    if "keys" in wanted:
        problems += await _look_at_keys(targets, home)
    return problems


async def _restore_and_begin(
    data: Path, keys: Path | None, wanted: list[str], targets: Mapping[str, str], home: Path
) -> list[str]:
    """Restore, and begin a new epoch of each service where what was restored is good."""
    problems = await _restore_all(data, keys, wanted, targets, home)
    services = {name: targets[name] for name in wanted if name in SERVICES}
    if services and not problems:
        now = datetime.now(UTC)
        begun = await begin_epochs(services, f"{data.name} at {folder_name(now)}", operator(), now)
        typer.echo("new epochs: " + ", ".join(f"{name}-svc {epoch}" for name, epoch in begun.items()))
    return problems


async def _look_at_keys(targets: Mapping[str, str], home: Path) -> list[str]:
    """Whether sealed fields can be read again; what cannot be tried is said."""
    problems = []
    if "customer" in targets and (lost := await customers_without_key(targets["customer"], targets["keys"])):
        typer.echo(f"{len(lost)} customers have no key: erased, or younger than the key backup (the first: {lost[0]})")
    if os.environ.get("GUANXI_MASTER_KEYS") or (home / "secrets" / "master-keys").is_file():
        settings = ServiceSettings(database_url="-", keys_database_url="-", kafka_bootstrap_servers="-", data_dir=home)
        if closed := await unreadable_keys(targets["keys"], LocalKeyWrapper(settings.master_key_ring)):
            problems.append(f"keys: {closed} data keys do not open under the master keys at hand")
    else:
        typer.echo("no master keys are at hand: whether sealed fields open was not tried")
    return problems


def _make_room(server: EmbeddedPostgres, name: str) -> str:
    """An empty database for `name`; what was there is kept under another name. Returns its URL."""
    database = f"guanxi_{name}"
    if database in server.query("SELECT datname FROM pg_database").splitlines():
        aside = f"{database}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        server.query(f"ALTER DATABASE {database} RENAME TO {aside}")
        typer.echo(f"set {database} aside as {aside}")
    server.create_database(database)
    return server.url(database)


@contextmanager
def _scratch() -> Iterator[tuple[Path, EmbeddedPostgres]]:
    with tempfile.TemporaryDirectory(prefix="guanxi-drill-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            yield Path(folder), server
        finally:
            server.delete()


def _finish(problems: list[str]) -> None:
    if problems:
        _fail("\n".join(["the restored databases do not show what the backup says:", *problems]))
    typer.echo("all restored databases show what the backup says: revisions, audit logs, keys")


def _fail(reason: object) -> NoReturn:
    typer.echo(str(reason), err=True)
    sys.exit(1)
