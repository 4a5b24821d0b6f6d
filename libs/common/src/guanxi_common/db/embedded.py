"""The embedded PostgreSQL: a real server, private to one data folder, started with nothing but what Python brought.

Guarantees
- Data survive a kill of the server, the launcher or the machine (`durable=True`); the next start recovers them.
- One launcher per data folder: a second one gets `AlreadyLaunched`. The lock ends with the process that holds it.
- A postmaster left behind by a killed launcher is adopted if it answers and is ours, else ended.
- It listens on 127.0.0.1 only, with scram passwords that are made at the first start and kept, mode 600, beside the data.

Services connect as `guanxi`, or as roles of their own (`db.roles`); none is a superuser, so that row-level security binds it.
This module is synchronous and blocks. Linux and macOS.
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from guanxi_common.db.placement import place_binaries, place_home, server_user
from guanxi_common.parent import RUN_MARK
from guanxi_common.private_files import copy_aside, open_private

OWNER = "guanxi"
SUPERUSER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 30
LOG_BYTES = 20 * 1024 * 1024
_POLL_SECONDS = 0.02
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
_UNDURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be started or used; the text says why."""


class AlreadyLaunched(EmbeddedPostgresError):
    """Another live process has launched the server of this data folder."""


class PortTaken(EmbeddedPostgresError):
    """The fixed port is in use by another program."""


class EmbeddedPostgres:
    """One server. `port` None takes a free one at each start; `durable` False is for tests: fast, and lost with the machine."""

    def __init__(self, data_dir: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.pid = 0
        self.port = port or 0
        self._fixed_port = port
        self._durable = durable
        self._user = server_user()
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.home = self.data_dir
        self._bin = Path()

    def start(self) -> None:
        """Make the cluster if there is none, start or adopt the server, and return when it accepts connections."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self.data_dir / "launcher.lock")
        try:
            self.home = place_home(self.data_dir, self._user)
            self._bin = place_binaries(self.home, self._user)
            if not self._cluster.is_dir():
                self._initialise()
            if not self._adopt():
                self._launch()
        except BaseException:
            if self._process is not None:
                self._end(self._process.pid)
            self._release_lock()
            raise

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return bool(self.pid) and (self._process.poll() is None if self._process else _alive(self.pid))

    def restart(self) -> None:
        """Start the server again, on the same port, after it has died."""
        self._fixed_port = self.port
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back, connections are closed, the state is check-pointed."""
        if self.running:
            self._end(self.pid)
        self.pid = 0
        self._process = None
        self._release_lock()

    def delete(self) -> None:
        """End the server, also one that a killed launcher left, and delete every file of it. Raises `AlreadyLaunched`."""
        if self._lock is None:
            self._lock = _take_lock(self.data_dir / "launcher.lock")
            self.home = place_home(self.data_dir, self._user)
        pid, _, _ = self._postmaster_file()
        if pid and str(self._cluster) in _command_line(pid):
            self._end(pid)
        # Renamed first, so that nobody takes a half-deleted folder for one to start from.
        leaving = self.data_dir.rename(self.data_dir.with_name(f"deleting-{self.data_dir.name}"))
        shutil.rmtree(leaving, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def url(self, database: str, role: str = OWNER) -> str:
        """The URL by which `role` reaches `database`."""
        return f"postgresql://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        """The superuser's URL, for tools and tests; services never get it."""
        return f"postgresql://{SUPERUSER}:{self._password(SUPERUSER)}@127.0.0.1:{self.port}/postgres"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create `name`, owned by the services' role, unless it is there."""
        for identifier in (name, template or name):
            if not _NAME.fullmatch(identifier):
                raise ValueError(f"not a database name: {identifier!r}")
        if name not in self.query("SELECT datname FROM pg_database").splitlines():
            self.query(f"CREATE DATABASE {name} OWNER {OWNER}" + (f" TEMPLATE {template}" if template else ""))

    def create_role(self, name: str, *, login: bool = True) -> None:
        """Create the role unless it is there; one that may log in gets the password that `url` names."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a role's name: {name!r}")
        if name not in self.query("SELECT rolname FROM pg_roles").splitlines():
            self.query(f"CREATE ROLE {name} NOLOGIN")
        if login:
            self.query(f"ALTER ROLE {name} LOGIN PASSWORD '{self._password(name)}'")

    @property
    def log_file(self) -> Path:
        return self.home / "server.log"

    def rotate_log(self) -> None:
        """Move a long log aside (one older file). The server holds it open for appending, so it is copied and emptied.

        Never raises: where the disk is full, the long log is lost rather than the server.
        """
        with suppress(OSError):
            if self.log_file.stat().st_size > LOG_BYTES:
                copy_aside(self.log_file)

    @property
    def _cluster(self) -> Path:
        return self.home / "data"

    def _initialise(self) -> None:
        """Build the cluster aside and move it into place, so that a kill half-way leaves none."""
        building = self.home / "initialising"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        self._user.take(building)
        initdb = [
            *(str(self._bin / "initdb"), "-D", str(building), "-U", SUPERUSER, "-E", "UTF8", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--auth=scram-sha-256"),
            f"--pwfile={self._password_file(SUPERUSER)}",
            *([] if self._durable else ["--no-sync"]),
        ]
        self._run_as_server_user(initdb)
        role = f"CREATE ROLE {OWNER} LOGIN PASSWORD '{self._password(OWNER)}'\n"
        self._run_as_server_user([str(self._bin / "postgres"), "--single", "-D", str(building), "postgres"], stdin=role)
        building.rename(self._cluster)

    def _run_as_server_user(self, command: list[str], stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603  # our own programs and arguments
            command,
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            check=False,
            **self._user.popen_options,
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _adopt(self) -> bool:
        """Take over the postmaster that a killed launcher left, if it is ours and as we want it; else make sure none is left."""
        pid, port, _ = self._postmaster_file()
        if not pid:
            return False
        if str(self._cluster) not in _command_line(pid):
            # The number was given to another program since: PostgreSQL itself would refuse to start beside it.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            return False
        self.port = port
        wanted = f"{self._cluster}|{'on' if self._durable else 'off'}"
        if self._fixed_port in (None, port) and self._answer_within(START_SECONDS, pid) == wanted:
            self.pid = pid
            return True
        self._end(pid)
        return False

    def _answer_within(self, seconds: float, pid: int) -> str:
        """What the server says of its data folder and durability, once it is ready; empty if it does not become so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _alive(pid):
            if self._postmaster_file()[2] == "ready":
                with suppress(EmbeddedPostgresError):
                    return self.query("SELECT current_setting('data_directory') || '|' || current_setting('fsync')")
                return ""
            time.sleep(_POLL_SECONDS)
        return ""

    def _launch(self) -> None:
        """Start the postmaster. Tried again while a free port was lost to another, or back ends of a killed one still end."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.port = self._fixed_port or _free_port()
            if self._fixed_port and not port_is_free(self._fixed_port):
                raise PortTaken(f"port {self._fixed_port} for PostgreSQL is taken by another program")
            log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
            if self._spawn_and_wait(deadline):
                return
            with self.log_file.open(errors="replace") as log:
                log.seek(log_start)
                said = log.read()
            passing = "shared memory block" in said or (self._fixed_port is None and "could not bind" in said)
            if not passing or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL did not start ({self.log_file}):\n{said[-2000:]}")
            time.sleep(0.2)

    def _spawn_and_wait(self, deadline: float) -> bool:
        settings = {**_SETTINGS, **({} if self._durable else _UNDURABLE), "port": str(self.port)}
        command = [str(self._bin / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with os.fdopen(open_private(self.log_file), "ab") as log:
            # A session of its own: Ctrl-C in the terminal must not stop the database before its clients have drained.
            self._process = subprocess.Popen(  # noqa: S603  # our own program and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **self._user.popen_options,
            )
        while self._process.poll() is None:
            if self._postmaster_file() == (self._process.pid, self.port, "ready"):
                self.pid = self._process.pid
                return True
            if time.monotonic() > deadline:
                self._end(self._process.pid)
                return False
            time.sleep(_POLL_SECONDS)
        return False

    def _postmaster_file(self) -> tuple[int, int, str]:
        """Process id, port and state (`starting`, `ready`, …) as the postmaster wrote them; zeros if there is no file."""
        with suppress(OSError, ValueError, IndexError):
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), int(lines[3]), lines[7].strip()
        return 0, 0, ""

    def _end(self, pid: int) -> None:
        """Fast stop, and after half a minute an immediate one (the next start recovers)."""
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self._process is not None and self._process.pid == pid:
                    self._process.poll()
                if not _alive(pid):
                    return
                time.sleep(_POLL_SECONDS)
        raise EmbeddedPostgresError(f"PostgreSQL (process {pid}) does not end")

    def query(self, statement: str, *, database: str = "postgres") -> str:
        """Run one statement as the superuser, by psql; returns its unaligned rows."""
        done = subprocess.run(  # noqa: S603  # our own program and arguments
            [
                *(str(self._bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement),
                *("-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER, database),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env={**_environment(), "PGPASSWORD": self._password(SUPERUSER), "PGCONNECT_TIMEOUT": "5"},
            check=False,
        )
        if done.returncode:
            raise EmbeddedPostgresError(done.stderr.strip())
        return done.stdout.strip()

    def _password_file(self, role: str) -> Path:
        """The file of the role's password, made at its first use; the server's user owns it because initdb reads it."""
        path = self.home / f"{role}.password"
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(24))
            self._user.take(partial)
            partial.rename(path)
        return path

    def _password(self, role: str) -> str:
        return self._password_file(role).read_text().strip()

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1:`port` can be listened on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _take_lock(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise AlreadyLaunched(f"PostgreSQL in {path.parent} is already launched by process {holder}") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _environment() -> dict[str, str]:
    """A clean environment: `PG*` variables and a foreign locale must not reach the server's programs."""
    kept = {name: os.environ[name] for name in ("PATH", RUN_MARK) if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> str:
    """How the process was started; empty if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    done = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip()
