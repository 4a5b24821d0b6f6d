"""The whole product on this machine for tests: `guanxi run` with a home and free ports of its own, whose processes may be killed.

`RunningDeployment` is synchronous and blocks; call it in a thread where an event loop must go on.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import httpx
from guanxi_common.clock import SystemClock
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.db.placement import place_home, server_user
from guanxi_common.installation import SERVICES
from guanxi_common.parent import RUN_MARK
from guanxi_common.security.issuer import LocalIssuer

from guanxi_testing.kafka import LocalKafka, free_ports

T = TypeVar("T")

START_SECONDS: Final = 300
STOP_SECONDS: Final = 60
SUPERVISOR: Final = "supervisor"
POSTMASTER: Final = "postmaster"
KAFKA: Final = "kafka"
CHILDREN: Final = tuple(f"{service}-{process}" for service in SERVICES for process in ("api", "worker"))
_POLL_SECONDS = 0.05
_PASSING_THE_CLOCK: Final = """
import json, os
from guanxi_operator import policy
policy._OURS = (*policy._OURS, "LD_PRELOAD", "FAKETIME")
os.environ.update(json.loads(os.environ.pop("CLOCK_OF_CHILDREN")))
from guanxi_common.cli import main
main()
"""
"""The supervisor keeps from its children what is neither the system's nor ours, a library that moves the clock included."""


class RunningDeployment:
    """One deployment below `folder`: on Kafka where a broker is given, else on the embedded bus.

    `clock`: what the services' processes need in their environment to take their time from elsewhere.
    """

    def __init__(self, folder: Path, kafka: LocalKafka | None = None, clock: Mapping[str, str] | None = None) -> None:
        self.home = folder.absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        *ports, self._postgres_port = free_ports(2 * len(SERVICES) + 1)
        worker_ports = ports[len(SERVICES) :]
        del ports[len(SERVICES) :]
        self.urls = {service: f"http://127.0.0.1:{port}" for service, port in zip(SERVICES, ports, strict=True)}
        self.worker_urls = {service: f"http://127.0.0.1:{port}" for service, port in zip(SERVICES, worker_ports, strict=True)}
        self.kafka = kafka
        self._clock = dict(clock or {})
        self.issuer = LocalIssuer(self.home / "issuer", SystemClock())
        self.trace_file = self.home / "traces.jsonl"
        self._ports = dict(zip(SERVICES, ports, strict=True))
        self._worker_ports = dict(zip(SERVICES, worker_ports, strict=True))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start everything, and return when every API is ready and the directory has its first member."""
        with (self.home / "console.log").open("ab") as console:
            program = ("-c", _PASSING_THE_CLOCK) if self._clock else ("-m", "guanxi_common.cli")
            self._process = subprocess.Popen(  # noqa: S603  # our own program and arguments
                [sys.executable, *program, "run"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=self._environment(),
                start_new_session=True,
            )
        _until(self._is_ready, START_SECONDS, self._why_not_ready)

    def stop(self) -> None:
        """Stop in good order, as Ctrl-C does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def delete(self) -> None:
        """Stop, end what a killed supervisor left, and delete the database."""
        self.stop()
        if (self.home / "postgres").is_dir():
            EmbeddedPostgres(self.home / "postgres").delete()

    @property
    def running(self) -> bool:
        """Whether the supervisor lives; it gives up where a process ends again and again."""
        return self._process is not None and self._process.poll() is None

    def database_url(self, name: str) -> str:
        """The URL of `customer`, `engagement`, `scoring`, `keys` or `bus`."""
        return self._postgres().url(f"guanxi_{name}")

    @property
    def admin_url(self) -> str:
        """The URL of the server's superuser, which no service has."""
        return self._postgres().admin_url

    def processes(self) -> dict[str, int]:
        """The process ids of all that lives: supervisor, postmaster, and each service's API and worker."""
        if self._process is None or not self.running:
            return {}
        found = {SUPERVISOR: self._process.pid}
        cluster = f" -D {self._postgres().home / 'data'} "
        for pid, parent, command in _process_table():
            if parent == self._process.pid:
                for service in SERVICES:
                    for process in ("api", "worker"):
                        if f" {process} {service}_svc" in command:
                            found[f"{service}-{process}"] = pid
            if cluster in command:
                found[POSTMASTER] = pid
        return found

    def kill(self, name: str) -> None:
        """End one process as a crash would (SIGKILL), and return when it is gone; nothing where it does not live now.

        The supervisor starts its children and the postmaster again, `bring_back` the supervisor and the broker.
        """
        if name == KAFKA:
            assert self.kafka is not None
            self.kafka.kill()
            return
        if name == SUPERVISOR and self._process is not None:
            self._process.kill()
            self._process.wait()
            return
        pid = self.processes().get(name)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _until(lambda: pid not in {row[0] for row in _process_table()}, STOP_SECONDS, lambda: f"{name} does not end")

    def bring_back(self, timeout: float = START_SECONDS) -> None:
        """Start the broker and the supervisor again where they do not live, and return when every process does and is ready."""
        if self.kafka is not None and not self.kafka.running:
            self.kafka.start()
        if not self.running:
            self._restart_supervisor()
        _until(lambda: self._is_ready() and len(self.processes()) == len(CHILDREN) + 2, timeout, self._why_not_ready)

    def _restart_supervisor(self) -> None:
        """The children of a killed supervisor end by themselves; only then are their ports free."""
        if self._process is not None:
            self._process.wait()
        _until(lambda: not self._orphans(), STOP_SECONDS, lambda: f"still there: {self._orphans()}")
        self.start()

    def _orphans(self) -> list[str]:
        ports = tuple(f" --port {port}" for port in self._ports.values())
        return [command for _, _, command in _process_table() if command.endswith(ports)]

    def _environment(self) -> dict[str, str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GUANXI_", "KAFKA_")) or name == RUN_MARK
        }
        environment.pop("DATABASE_URL", None)
        environment |= {f"GUANXI_{service.upper()}_PORT": str(port) for service, port in self._ports.items()}
        environment |= {f"GUANXI_{service.upper()}_WORKER_PORT": str(port) for service, port in self._worker_ports.items()}
        environment |= {"GUANXI_HOME": str(self.home), "GUANXI_POSTGRES_PORT": str(self._postgres_port)}
        environment |= {"GUANXI_FEW_PARTITIONS": "true", "GUANXI_STANDARD_NOTICE_SECONDS": "1"}
        return (
            environment
            | ({"CLOCK_OF_CHILDREN": json.dumps(self._clock)} if self._clock else {})
            | ({"KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers} if self.kafka else {})
        )

    def _postgres(self) -> EmbeddedPostgres:
        """The supervisor's server as a client sees it; not ours to start."""
        server = EmbeddedPostgres(self.home / "postgres", port=self._postgres_port)
        server.home = place_home(server.data_dir, server_user())
        return server

    def _is_ready(self) -> bool:
        if not self.running:
            raise AssertionError(f"the supervisor ended: {self._console()}")
        try:
            if any(httpx.get(f"{url}/readyz", trust_env=False).status_code != httpx.codes.OK for url in self.urls.values()):
                return False
            token = {"Authorization": f"Bearer {self.issuer.issue('president')}"}
            return httpx.get(f"{self.urls['customer']}/v1/outlets", headers=token, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def _why_not_ready(self) -> str:
        return f"not ready; there are {sorted(self.processes())}: {self._console()}"

    def said(self) -> list[str]:
        """The lines of the supervisor and all processes."""
        return (self.home / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()

    def _console(self) -> str:
        return "\n".join(self.said())[-3000:]


def _process_table() -> list[tuple[int, int, str]]:
    """(pid, parent, command line) of every process that lives."""
    done = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)  # noqa: S607
    rows = (line.split(None, 3) for line in done.stdout.splitlines())
    return [(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")]


def _until(probe: Callable[[], T], seconds: float, why_not: Callable[[], str]) -> T:
    deadline = time.monotonic() + seconds
    while True:
        if answer := probe():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {why_not()}")
        time.sleep(_POLL_SECONDS)
