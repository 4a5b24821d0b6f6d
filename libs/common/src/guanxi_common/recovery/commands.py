"""`guanxi restored`, `publish-snapshots` and `rebuild`: what an operator does after a database was restored, or has lost something."""

import asyncio
import getpass
import importlib
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import anyio
import asyncpg
import typer

from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.installation import default_home
from guanxi_common.recovery import epochs, rebuilds, republication
from guanxi_common.security.secret_files import kept_database_urls

WATCH_INTERVAL: Final = 1.0

Service = Annotated[str, typer.Argument(help="customer-svc, engagement-svc or scoring-svc.")]
Url = Annotated[
    str | None,
    typer.Option("--database", envvar="DATABASE_URL", help="The service's database; without it that of `guanxi run` here."),
]
Restore = Annotated[str, typer.Option(help="A name for this restore, such as its date; the same name again raises nothing.")]


def restored(service: Service, restore: Restore, database: Url = None) -> None:
    """Begin a new epoch: the service's database was restored, and its versions count on from an older number.

    Its worker then publishes all its snapshots anew; the same command again shows how far that is.
    """
    for line in anyio.run(_restored, service, restore, database_url(service, database)):
        typer.echo(line)


def publish_snapshots(
    service: Service,
    reason: Annotated[str, typer.Option(help="What for, such as the new signing key; the same reason again publishes nothing.")],
    database: Url = None,
) -> None:
    """Have the service publish all its snapshots anew, in the epoch it is in; the same command again shows how far that is."""
    for line in anyio.run(_publish_snapshots, service, reason, database_url(service, database)):
        typer.echo(line)


async def _publish_snapshots(service: str, reason: str, url: str) -> list[str]:
    async with _database(service, url) as database, database.transaction() as uow:
        progress = await republication.read_progress(uow, await republication.ask(uow, reason, operator()))
        await uow.commit()
    return [_describe(progress)]


def rebuild(
    service: Service,
    topic: Annotated[
        list[str] | None, typer.Option(help="What to rebuild; may be repeated. Without it, all that can be.")
    ] = None,
    database: Url = None,
    cancel: Annotated[bool, typer.Option(help="Give up what is under way: nothing is removed, and what rested goes on.")] = False,
    watch: Annotated[bool, typer.Option(help="Stay until it is done; it goes on without this command.")] = True,
) -> None:
    """Make the service's replicas and ledgers anew from the bus. Its worker does it; the service answers meanwhile what it can.

    A service's own data come from a backup, never from here, and commands are not read twice.
    """
    known = [replica.topic for replica in importlib.import_module(f"{service.replace('-', '_')}.worker").replicas(SystemClock())]
    if unknown := sorted(set(topic or ()) - set(known)):
        fail(
            f"{service} keeps nothing that can be rebuilt from {', '.join(unknown)}; it can rebuild: {', '.join(known) or 'nothing'}"
        )
    anyio.run(_rebuild, service, topic or known, database_url(service, database), cancel, watch)


async def _rebuild(service: str, topics: Sequence[str], url: str, cancel: bool, watch: bool) -> None:
    shown = ""
    async with _database(service, url) as database:
        async with database.transaction() as uow:
            await (rebuilds.cancel if cancel else rebuilds.request)(uow, topics, operator())
            await uow.commit()
        while True:
            async with database.transaction(readonly=True) as uow:
                newest = {one.topic: one for one in reversed(await rebuilds.list_progress(uow, limit=100)) if one.topic in topics}
            lines = "\n".join(describe_rebuild(one) for one in newest.values())
            if lines != shown:
                typer.echo(lines)
                shown = lines
            if not watch or all(one.finished_at for one in newest.values()):
                return
            await asyncio.sleep(WATCH_INTERVAL)


def describe_rebuild(progress: rebuilds.Progress) -> str:
    """One line for the operator."""
    if progress.finished_at is not None and progress.cleared_at is None:
        return f"{progress.topic}: given up, nothing was concluded"
    if progress.began_at is None:
        return f"{progress.topic}: waits for the worker"
    records = progress.records or 0
    if progress.read_at is None:
        return f"{progress.topic}: {records - progress.left_to_read} of {records} records read"
    if progress.cleared_at is None and progress.open_letters:
        return f"{progress.topic}: {records} records read, waits until its {progress.open_letters} dead letters are settled"
    if progress.finished_at is None:
        return f"{progress.topic}: {records} records read, {progress.removed} rows removed that the topic does not have"
    return f"{progress.topic}: done, {records} records read, {progress.removed} rows removed"


async def _restored(service: str, restore: str, url: str) -> list[str]:
    async with _database(service, url) as database, database.transaction() as uow:
        raised = await epochs.raise_epoch(uow, restore, operator(), datetime.now(UTC))
        progress = await republication.read_progress(uow, epochs.name_of(raised.epoch))
        await uow.commit()
    return [f"{service} is in epoch {raised.epoch}{' already' if raised.again else ''}", _describe(progress)]


@asynccontextmanager
async def _database(service: str, url: str) -> AsyncIterator[Database]:
    database = Database(create_engine(url, pool_size=1, application_name="guanxi operator"))
    try:
        yield database
    except (OSError, asyncpg.PostgresError) as error:
        fail(f"cannot work on the database of {service}: {type(error).__name__}")
    finally:
        await database.dispose()


def _describe(progress: republication.Progress | None) -> str:
    if progress is None:
        return "a later restore has taken its place"
    if progress.finished_at is not None and progress.failed:
        return (
            f"published anew: {progress.published} snapshots, but not done: {progress.failed} failed and wait as set-aside items of"
            f" {republication.QUEUE}; no rebuild of another service before they are published"
        )
    if progress.finished_at is not None:
        return f"published anew: {progress.published} snapshots, done at {progress.finished_at.isoformat(timespec='seconds')}"
    at = f", now at {progress.source}" if progress.source else ""
    return f"published anew by the worker so far: {progress.published} snapshots{at}"


def database_url(service: str, given: str | None) -> str:
    """The given URL, else that of the service that `guanxi run` keeps here; ends the command where there is none."""
    if given:
        return given
    try:
        return kept_database_urls(Path(default_home()))[service]
    except (FileNotFoundError, KeyError):
        fail(f"give --database: nothing called {service} has been run here")


def operator() -> str:
    """Who is at the keyboard, as the audit log names them."""
    return f"host:{getpass.getuser()}"


def fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    sys.exit(1)
