"""What `make run` starts: databases, migrations, and the API and worker process of each service. Names and ports are data."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from guanxi_common.db.embedded import OWNER, EmbeddedPostgres, PortTaken, port_is_free
from guanxi_common.db.migrate import upgrade
from guanxi_common.db.roles import BUS_ROLE, role_of, separate
from guanxi_common.installation import POSTGRES_PORT, SHARED_DATABASES, database_on
from guanxi_common.keys.database import SCHEMA as KEY_TABLES
from guanxi_common.messaging.embedded.rights import grant_rights
from guanxi_common.messaging.failures import describe, is_transient
from guanxi_common.security.secret_files import keep_database_urls

from guanxi_operator.children import ChildSpec

TRIES_PER_REPORT = 30

Address = Callable[[str, str], str]
"""(service, database) to the URL by which the service's processes reach the database."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """`home` holds data, logs and local secrets. `server_url` None means the embedded PostgreSQL; of one that is given, user,
    password, host and port count, and the databases `guanxi_<name>` must be there.
    """

    home: Path
    ports: Mapping[str, int]
    postgres_port: int = POSTGRES_PORT
    server_url: str | None = None
    kafka: str | None = None
    signing_key: str | None = None
    sandbox: bool = False
    few_partitions: bool = False

    def environment(self, service: str, address: Address) -> dict[str, str]:
        """What a process of `service` reads and no process of another does; the log's database only where there is no Kafka."""
        environment = {
            "GUANXI_HOME": str(self.home),
            "DATABASE_URL": address(service, service),
            "KEYS_DATABASE_URL": address(service, "keys"),
        }
        if self.signing_key and self.signing_key.startswith(f"{service}-svc/"):
            environment["GUANXI_EVENT_SIGNING_KEY"] = self.signing_key
        if self.kafka:
            return {**environment, "KAFKA_BOOTSTRAP_SERVERS": self.kafka}
        return {**environment, "BUS_DATABASE_URL": address(service, "bus")}

    def children(self, address: Address) -> list[ChildSpec]:
        """An API and a worker for each service. Workers stop last: they publish what the last requests caused."""
        command = (sys.executable, "-m", "guanxi_common.cli")
        specs = []
        for service, port in self.ports.items():
            environment = self.environment(service, address)
            environment["GUANXI_TRACE_FILE"] = str(self.home / "traces.jsonl")
            api = (*command, "api", f"{service}_svc", "--port", str(port))
            specs.append(ChildSpec(f"{service}-api", api, environment, f"http://127.0.0.1:{port}/readyz"))
            if worker_port := os.environ.get(f"GUANXI_{service.upper()}_WORKER_PORT"):
                environment = {**environment, "GUANXI_WORKER_PORT": worker_port}
            specs.append(ChildSpec(f"{service}-worker", (*command, "worker", f"{service}_svc"), environment, wave=1))
        if self.sandbox:
            addresses = {f"GUANXI_{service.upper()}_URL": f"http://127.0.0.1:{port}" for service, port in self.ports.items()}
            specs.append(
                ChildSpec("sandbox", (*command, "load-sandbox"), {"GUANXI_HOME": str(self.home), **addresses}, once=True)
            )
        return specs

    def require_free_ports(self) -> None:
        """Raise `PortTaken`, naming the service, before anything is started."""
        for service, port in self.ports.items():
            if not port_is_free(port):
                raise PortTaken(f"port {port} for {service}-svc is taken by another program (set it with --{service}-port)")


@contextmanager
def running_database(deployment: Deployment, console: Callable[[str], None]) -> Iterator[tuple[Address, EmbeddedPostgres | None]]:
    """The databases, all there and migrated, and the embedded server if it is ours to keep running.

    On the embedded server each service has a role of its own; on one that is given, all have the credentials that were given.
    """
    if given := deployment.server_url:
        _prepare(deployment, given, console)
        yield lambda _service, database: database_on(given, database), None
        return
    with EmbeddedPostgres(deployment.home / "postgres", port=deployment.postgres_port) as server:
        console(f"PostgreSQL on 127.0.0.1:{server.port}, its data in {server.home}")
        for name in (*deployment.ports, *SHARED_DATABASES):
            server.create_database(f"guanxi_{name}")
        _prepare(deployment, server.url("postgres"), console)
        server.query(f"SET ROLE {OWNER}; {KEY_TABLES}", database="guanxi_keys")  # readers of the keys cannot make them
        separate(server, deployment.ports)
        if not deployment.kafka:
            share_log(server, deployment.ports, few_partitions=deployment.few_partitions)
        yield lambda service, database: server.url(f"guanxi_{database}", role_of(service)), server


def share_log(server: EmbeddedPostgres, services: Iterable[str], *, few_partitions: bool) -> None:
    """Make the log with its topics, and let each service write to its own. Blocks."""
    owner_url = f"{server.url('guanxi_bus')}?role={BUS_ROLE}"
    roles = {role_of(service): f"{service}-svc" for service in services}
    anyio.run(partial(grant_rights, owner_url, "guanxi_bus", roles, test=few_partitions))


def _prepare(deployment: Deployment, server_url: str, console: Callable[[str], None]) -> None:
    """Migrate every service's database, and keep the addresses for the operator's commands."""
    urls = {f"{service}-svc": database_on(server_url, service) for service in deployment.ports}
    for service, url in urls.items():
        until_reachable(partial(upgrade, url, service.replace("-", "_")), console)
    keep_database_urls(deployment.home, urls)


def until_reachable(step: Callable[[], None], console: Callable[[str], None], *, pause: float = 2.0) -> None:
    """Do the step, which may be done twice, again until the database answers. Raises what does not pass by itself. Blocks."""
    tries = 0
    while True:
        try:
            return step()
        except Exception as error:
            if not is_transient(error):
                raise
            if tries % TRIES_PER_REPORT == 0:
                console(f"waiting for PostgreSQL: {describe(error)}")
        tries += 1
        time.sleep(pause)
