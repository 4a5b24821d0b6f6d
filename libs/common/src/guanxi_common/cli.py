"""The `guanxi` command: one thin function per command; the work is done in the modules that they call."""

import importlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, NoReturn

import anyio
import typer
from alembic.util import CommandError

from guanxi_common.backup.commands import backup, restore, restore_drill
from guanxi_common.contract_files import contract_problems, write_contracts
from guanxi_common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from guanxi_common.db.migrate import SchemaUnfit, check, upgrade
from guanxi_common.messaging.bus import BusError
from guanxi_common.messaging.kafka.commands import kafka_acls
from guanxi_common.recovery.commands import publish_snapshots, rebuild, restored
from guanxi_common.sandbox.commands import load_sandbox_command, replay_command
from guanxi_common.security.commands import appoint, event_key, token, verify_audit
from guanxi_common.supervisor.deployment import (
    POSTGRES_PORT,
    SERVICES,
    SHARED_DATABASES,
    Deployment,
    default_home,
    running_database,
)
from guanxi_common.supervisor.parent import watch_parent_pipe
from guanxi_common.supervisor.supervisor import Supervisor

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Guanxi's operator commands.")
app.command()(token)
app.command()(appoint)
app.command()(verify_audit)
app.command()(backup)
app.command()(restore)
app.command()(restore_drill)
app.command()(event_key)
app.command()(restored)
app.command()(publish_snapshots)
app.command()(rebuild)
app.command("kafka-acls")(kafka_acls)
app.command("load-sandbox")(load_sandbox_command)
app.command("replay")(replay_command)

PostgresPort = Annotated[int, typer.Option(envvar="GUANXI_POSTGRES_PORT", help="Port of the embedded PostgreSQL.")]
Package = Annotated[str, typer.Argument(help="The service's package: customer_svc, engagement_svc or scoring_svc.")]
Checkout = Annotated[Path, typer.Option(help="The checkout.")]


def say(line: str) -> None:
    """Tell the operator."""
    typer.echo(line)
    sys.stdout.flush()


@app.command()
def run(
    postgres_port: PostgresPort = POSTGRES_PORT,
    customer_port: Annotated[int, typer.Option(envvar="GUANXI_CUSTOMER_PORT")] = SERVICES["customer"],
    engagement_port: Annotated[int, typer.Option(envvar="GUANXI_ENGAGEMENT_PORT")] = SERVICES["engagement"],
    scoring_port: Annotated[int, typer.Option(envvar="GUANXI_SCORING_PORT")] = SERVICES["scoring"],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Load the sandbox's bank once the services are ready.")] = False,
    few_partitions: Annotated[bool, typer.Option(envvar="GUANXI_FEW_PARTITIONS", hidden=True)] = False,
) -> None:
    """Start PostgreSQL (unless DATABASE_URL names a server), migrate, and keep the services running until Ctrl-C."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    deployment = Deployment(
        home=default_home(),
        ports={"customer": customer_port, "engagement": engagement_port, "scoring": scoring_port},
        postgres_port=postgres_port,
        server_url=os.environ.get("DATABASE_URL"),
        kafka=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"),
        signing_key=os.environ.get("GUANXI_EVENT_SIGNING_KEY"),
        sandbox=sandbox,
        few_partitions=few_partitions,
    )
    try:
        deployment.require_free_ports()
        with running_database(deployment, say) as (address, server):
            for service, port in deployment.ports.items():
                say(f"{service}-svc on http://127.0.0.1:{port}")
            supervisor = Supervisor(deployment.children(address), logs=deployment.home / "logs", console=say, database=server)
            code = anyio.run(supervisor.run)
    except (EmbeddedPostgresError, BusError) as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
def postgres(postgres_port: PostgresPort = POSTGRES_PORT) -> None:
    """Start only the embedded PostgreSQL, print the services' database URLs, and keep it until Ctrl-C."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    deployment = Deployment(home=default_home(), ports=SERVICES, postgres_port=postgres_port)
    try:
        with running_database(deployment, say) as (_, server):
            for name in (*SERVICES, *SHARED_DATABASES):
                say(server.url(f"guanxi_{name}") if server else name)
            signal.pause()
    except EmbeddedPostgresError as error:
        _fail(error)
    except KeyboardInterrupt:
        say("stopped")


@app.command()
def reset() -> None:
    """Delete what `run` keeps: data, logs and local secrets. Refused while it runs."""
    home = default_home()
    if not home.is_dir():
        return
    try:
        if (home / "postgres").is_dir():
            EmbeddedPostgres(home / "postgres").delete()
    except EmbeddedPostgresError as error:
        _fail(error)
    shutil.rmtree(home)


@app.command()
def api(
    package: Package,
    port: Annotated[int, typer.Option(envvar="PORT")],
    host: Annotated[str, typer.Option(envvar="GUANXI_HOST")] = "127.0.0.1",
) -> None:
    """Run a service's API process: `create_app()` of its `main` module."""
    watch_parent_pipe()
    serve = importlib.import_module("guanxi_common.http.serve").serve
    serve(importlib.import_module(f"{package}.main").create_app, host=host, port=port)


@app.command()
def worker(package: Package) -> None:
    """Run a service's worker process: the coroutine `main()` of its `worker` module, which returns after SIGTERM."""
    watch_parent_pipe()
    try:
        anyio.run(importlib.import_module(f"{package}.worker").main)
    except SchemaUnfit as error:
        _fail(error)


@app.command()
def migrate(package: Package) -> None:
    """Bring the database at DATABASE_URL up to the newest revision of a service. One at a time; others wait."""
    upgrade(_required("DATABASE_URL"), package)


@app.command()
def check_migrations() -> None:
    """Migrate empty databases and fail if a service's revisions and tables differ."""
    with tempfile.TemporaryDirectory(prefix="guanxi-check-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder), durable=False) as server:
            for service in SERVICES:
                server.create_database(f"guanxi_{service}")
                upgrade(server.url(f"guanxi_{service}"), f"{service}_svc")
                try:
                    check(server.url(f"guanxi_{service}"), f"{service}_svc")
                except CommandError as error:
                    _fail(f"{service}-svc: {error}")


@app.command("write-contracts")
def write_contracts_command(root: Checkout = Path()) -> None:
    """Write the OpenAPI document of each service to docs/api and the AsyncAPI document of the events to docs."""
    for file in write_contracts(root, list(SERVICES)):
        say(str(file))


@app.command("check-contracts")
def check_contracts_command(root: Checkout = Path()) -> None:
    """Fail if a committed document is stale, or breaks what a release has promised."""
    if problems := contract_problems(root, list(SERVICES)):
        _fail("\n".join(problems))


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    return value if value else _fail(f"set {variable}")


def _fail(reason: object) -> NoReturn:
    typer.echo(str(reason), err=True)
    raise typer.Exit(1)


def _exit_on_sigterm(_number: int, _frame: object) -> NoReturn:
    """Until the supervisor handles signals itself: leave by way of every `finally`, so that PostgreSQL is stopped."""
    raise SystemExit(143)


if __name__ == "__main__":
    app()
