"""The commands of `guanxi` that start a bank on one host, and those that hold a checkout against itself."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final, NoReturn

import anyio
import typer
from alembic.util import CommandError
from guanxi_common.cli import Commands
from guanxi_common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from guanxi_common.db.migrate import check, upgrade
from guanxi_common.installation import POSTGRES_PORT, SERVICES, SHARED_DATABASES, default_home
from guanxi_common.messaging.bus import BusError

from guanxi_operator.contract_files import contract_problems, write_contracts
from guanxi_operator.deployment import Deployment, running_database
from guanxi_operator.supervisor import Supervisor

PostgresPort = Annotated[int, typer.Option(envvar="GUANXI_POSTGRES_PORT", help="Port of the embedded PostgreSQL.")]
Checkout = Annotated[Path, typer.Option(help="The checkout.")]


def say(line: str) -> None:
    """Tell the operator."""
    typer.echo(line)
    sys.stdout.flush()


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


def write_contracts_command(root: Checkout = Path()) -> None:
    """Write the OpenAPI document of each service to docs/api and the AsyncAPI document of the events to docs."""
    for file in write_contracts(root, list(SERVICES)):
        say(str(file))


def check_contracts_command(root: Checkout = Path()) -> None:
    """Fail if a committed document is stale, or breaks what a release has promised."""
    if problems := contract_problems(root, list(SERVICES)):
        _fail("\n".join(problems))


COMMANDS: Final[Commands] = {
    "run": run,
    "postgres": postgres,
    "reset": reset,
    "check-migrations": check_migrations,
    "write-contracts": write_contracts_command,
    "check-contracts": check_contracts_command,
}


def _fail(reason: object) -> NoReturn:
    typer.echo(str(reason), err=True)
    raise typer.Exit(1)


def _exit_on_sigterm(_number: int, _frame: object) -> NoReturn:
    """Until the supervisor handles signals itself: leave by way of every `finally`, so that PostgreSQL is stopped."""
    raise SystemExit(143)
