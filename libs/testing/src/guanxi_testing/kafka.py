"""A real Apache Kafka for tests: one JVM on this machine, fetched by Maven, from `deploy/kafka`.

A broker's whole state lies in its folder (ports, process id, data, log), so that any process may ask, stop or restart it.
This module is synchronous and blocks. It needs Java 17 and Maven; `KafkaUnavailable` says what is missing.
"""

import base64
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from uuid import uuid4

START_SECONDS = 60
STOP_SECONDS = 20
FETCH_SECONDS = 300
_POLL_SECONDS = 0.05
_PREFIX = "guanxi-test-kafka-"
_JVM_OPTIONS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class KafkaUnavailable(Exception):
    """There can be no local broker here; the text says why."""


class LocalKafka:
    """One broker in `folder`. Its ports are chosen at the first start and kept; the first listener is the one waited for."""

    listeners: tuple[str, ...] = ("broker", "controller")

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port(self.listeners[0])}"

    @property
    def running(self) -> bool:
        return self._pid() != 0

    def start(self) -> None:
        """Start and return when it accepts connections. Raises `KafkaUnavailable`."""
        jars = fetch_jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        properties.write_text(self._properties())
        if not (self.folder / "data" / "meta.properties").exists():
            cluster_id = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
            # One word: an id may begin with a dash, and would else be taken for an option.
            options = [f"--cluster-id={cluster_id}", "-c", str(properties), *self._format_options()]
            self._run(jars, "kafka.tools.StorageTool", "format", *options)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program and arguments
                self._java(jars, "kafka.Kafka", str(properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        self._await_listening(self._process, self._port(self.listeners[0]))

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again on the same ports and data."""
        self.stop()
        self.start()

    @property
    def _log(self) -> Path:
        return self.folder / "kafka.log"

    def _properties(self) -> str:
        template = Template((deploy_folder() / "server.properties.template").read_text())
        ports = {f"{listener}_port": str(self._port(listener)) for listener in self.listeners}
        return template.substitute(ports, log_dir=self.folder / "data")

    def _format_options(self) -> list[str]:
        return []

    def _port(self, listener: str) -> int:
        file = self.folder / "ports"
        if not file.exists():
            file.write_text(" ".join(map(str, free_ports(len(self.listeners)))))
        return int(file.read_text().split()[self.listeners.index(listener)])

    def _pid(self) -> int:
        """The broker's process id; 0 if it does not run."""
        if self._process is not None:
            self._process.poll()
        with suppress(OSError, ValueError):
            pid = int((self.folder / "pid").read_text())
            # A number may have been given to another program since.
            return pid if str(self.folder) in _command_line(pid) else 0
        return 0

    def _java(self, jars: Path, main: str, *arguments: str) -> list[str]:
        return [_program("java"), *_JVM_OPTIONS, "-cp", f"{jars}/*:{deploy_folder()}", main, *arguments]

    def _run(self, jars: Path, main: str, *arguments: str) -> None:
        command = self._java(jars, main, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)  # noqa: S603
        if done.returncode:
            raise KafkaUnavailable(f"{main} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _await_listening(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(_POLL_SECONDS)
        self.kill()
        raise KafkaUnavailable(f"Kafka did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def _end(self, number: signal.Signals) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while pid := self._pid():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
            time.sleep(_POLL_SECONDS)
        if self._process is not None:
            self._process.wait(STOP_SECONDS)


def fetch_jars() -> Path:
    """The folder of Kafka's jars, fetched once per version however many processes ask. Raises `KafkaUnavailable`."""
    _program("java")
    pom = deploy_folder() / "pom.xml"
    jars = _cache_folder() / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    jars.parent.mkdir(parents=True, exist_ok=True)
    with locked(jars.with_suffix(".lock")):
        if not jars.is_dir():
            maven = _program("mvn")
            with tempfile.TemporaryDirectory(dir=jars.parent) as partial:
                command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={partial}/jars"]
                done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)  # noqa: S603
                if done.returncode:
                    raise KafkaUnavailable(f"Maven cannot fetch Kafka: {done.stdout.strip()[-1000:]}")
                Path(partial, "jars").rename(jars)
    return jars


def make_run_folder() -> Path:
    """A folder for this run's broker, after ending the brokers of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # A folder of another user cannot be opened; one whose run lives is locked.
        with suppress(OSError), locked(folder / "run.lock", wait=False):
            remove_run_folder(folder)
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def remove_run_folder(folder: Path) -> None:
    LocalKafka(folder).kill()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path`; without `wait` raises BlockingIOError if another process has it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def _command_line(pid: int) -> str:
    """How the process was started; empty if there is none, or only its remains."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return subprocess.run([_program("ps"), "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S603


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise KafkaUnavailable(f"there is no {name} on this machine")
    return found


def deploy_folder() -> Path:
    """`deploy/kafka` of the checkout. Raises `KafkaUnavailable`."""
    for folder in (*Path(__file__).parents, Path.cwd(), *Path.cwd().parents):
        if (folder / "deploy" / "kafka" / "pom.xml").is_file():
            return folder / "deploy" / "kafka"
    raise KafkaUnavailable("deploy/kafka is not found: run from a checkout")


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home) / "guanxi" / "kafka" if home else deploy_folder().parents[1] / ".cache" / "kafka"


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listened on a moment ago, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
