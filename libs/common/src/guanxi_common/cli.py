"""The `guanxi` command: the processes of a service, and what an operator does to an installation.

One thin function per command, the work is done in the modules that they call. A package that is installed beside this one adds commands
by an entry point of the group `guanxi.commands`: a mapping of names to functions.
"""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Annotated, Final, NoReturn

import anyio
import typer

from guanxi_common.backup.commands import backup, restore, restore_drill
from guanxi_common.db.migrate import SchemaUnfit, upgrade
from guanxi_common.messaging.kafka.commands import kafka_acls
from guanxi_common.parent import watch_parent_pipe
from guanxi_common.recovery.commands import publish_snapshots, rebuild, restored
from guanxi_common.security.commands import appoint, event_key, token, verify_audit

Commands = Mapping[str, Callable[..., None]]
Package = Annotated[str, typer.Argument(help="The service's package: customer_svc, engagement_svc or scoring_svc.")]

ENTRY_POINTS: Final = "guanxi.commands"


def api(
    package: Package,
    port: Annotated[int, typer.Option(envvar="PORT")],
    host: Annotated[str, typer.Option(envvar="GUANXI_HOST")] = "127.0.0.1",
) -> None:
    """Run a service's API process: `create_app()` of its `main` module."""
    watch_parent_pipe()
    serve = importlib.import_module("guanxi_common.http.serve").serve
    serve(importlib.import_module(f"{package}.main").create_app, host=host, port=port)


def worker(package: Package) -> None:
    """Run a service's worker process: the coroutine `main()` of its `worker` module, which returns after SIGTERM."""
    watch_parent_pipe()
    try:
        anyio.run(importlib.import_module(f"{package}.worker").main)
    except SchemaUnfit as error:
        _fail(error)


def migrate(package: Package) -> None:
    """Bring the database at DATABASE_URL up to the newest revision of a service. One at a time; others wait."""
    url = os.environ.get("DATABASE_URL")
    upgrade(url if url else _fail("set DATABASE_URL"), package)


COMMANDS: Final[Commands] = {
    "api": api,
    "worker": worker,
    "migrate": migrate,
    "token": token,
    "appoint": appoint,
    "verify-audit": verify_audit,
    "backup": backup,
    "restore": restore,
    "restore-drill": restore_drill,
    "event-key": event_key,
    "restored": restored,
    "publish-snapshots": publish_snapshots,
    "rebuild": rebuild,
    "kafka-acls": kafka_acls,
}


def installed_commands() -> dict[str, Callable[..., None]]:
    """These commands and those of every other package that is installed here."""
    others = [entry.load() for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)]
    return {name: command for commands in (COMMANDS, *others) for name, command in commands.items()}


def main() -> None:
    """The entry of the process. A service's process imports nothing of the other packages."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Guanxi's operator commands."
    )
    own = len(sys.argv) > 1 and sys.argv[1] in COMMANDS
    for name, command in (COMMANDS if own else installed_commands()).items():
        app.command(name)(command)
    app()


def _fail(reason: object) -> NoReturn:
    typer.echo(str(reason), err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
