"""`guanxi restored`: what the operator says after a service's database was restored."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import anyio
import asyncpg
import typer

from guanxi_common.db.uow import Database, create_engine
from guanxi_common.recovery import epochs, republication
from guanxi_common.security.secret_files import kept_database_urls
from guanxi_common.supervisor.deployment import default_home

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


async def _restored(service: str, restore: str, url: str) -> list[str]:
    engine = create_engine(url, pool_size=1, application_name="guanxi restored")
    try:
        async with Database(engine).transaction() as uow:
            raised = await epochs.raise_epoch(uow, restore, operator(), datetime.now(UTC))
            progress = await republication.read_progress(uow, epochs.name_of(raised.epoch))
            await uow.commit()
    except (OSError, asyncpg.PostgresError) as error:
        fail(f"cannot reach the database of {service}: {type(error).__name__}")
    finally:
        await engine.dispose()
    return [f"{service} is in epoch {raised.epoch}{' already' if raised.again else ''}", _describe(progress)]


def _describe(progress: republication.Progress | None) -> str:
    if progress is None:
        return "a later restore has taken its place"
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
