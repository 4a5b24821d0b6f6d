"""A PostgreSQL that speaks TLS, for tests of connections only: the wheel's is built without it, so the server is the system's own."""

import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from guanxi_common.db.placement import server_user

from guanxi_testing.certificates import Authority, Issued
from guanxi_testing.kafka import free_ports

OWNER: Final = "guanxi"
START_SECONDS: Final = 60
_INSTALLATIONS: Final = Path("/usr/lib/postgresql")
_SSL_REQUEST: Final = 80877103
_WITHOUT: Final = "no PostgreSQL of the system"


class SecuredPostgres:
    """Takes TLS connections only: on `database` with a password, on `certified` with a certificate for the user's name besides."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = server_user()
        self._process: subprocess.Popen[bytes] | None = None
        self.authority = Authority(folder / "certificates")
        self.issued = self.authority.issue("server")
        [self.port] = free_ports(1)

    def url(self, database: str = "database", *, host: str = "127.0.0.1", **parameters: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{OWNER}:owner@{host}:{self.port}/{database}?{query}"

    def checked_url(self, database: str = "database", **parameters: object) -> str:
        checked = {"sslmode": "verify-full", "sslrootcert": self.authority.ca_file}
        return self.url(database, **checked, **parameters)  # type: ignore[arg-type]  # no parameter is called host

    def start(self) -> None:
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        self._user.take(data)
        self._run("initdb", "-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync")
        self._use(self.issued)
        (data / "pg_hba.conf").write_text(
            f"hostssl database {OWNER} 127.0.0.0/8 scram-sha-256\n"
            f"hostssl certified {OWNER} 127.0.0.0/8 scram-sha-256 clientcert=verify-full\n"
        )
        databases = [f"CREATE DATABASE {name} OWNER {OWNER}" for name in ("database", "certified")]
        statements = "\n".join([f"CREATE ROLE {OWNER} LOGIN PASSWORD 'owner'", *databases])
        self._run("postgres", "--single", "-D", str(data), "postgres", stdin=f"{statements}\n")
        settings = {
            "listen_addresses": "127.0.0.1,127.0.0.2",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": "server.crt",
            "ssl_key_file": "server.key",
            "ssl_ca_file": "ca.crt",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program and arguments
                [self._binaries / "postgres", "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._user.popen_options,
            )
        self._await_ready(data)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)

    @contextmanager
    def certified_by(self, issued: Issued) -> Iterator[None]:
        """Let the server show another certificate."""
        self._use(issued)
        self._reload()
        try:
            yield
        finally:
            self._use(self.issued)
            self._reload()

    def _use(self, issued: Issued) -> None:
        data = self._folder / "data"
        files = {"server.crt": issued.certificate, "server.key": issued.private_key, "ca.crt": self.authority.ca_file}
        for name, source in files.items():
            shutil.copy(source, data / name)
            (data / name).chmod(0o600)
            self._user.take(data / name)

    def _reload(self) -> None:
        """Make the server read its files again, and return when it shows what they hold."""
        expected = ssl.PEM_cert_to_DER_cert((self._folder / "data" / "server.crt").read_text())
        self._run("pg_ctl", "reload", "-D", str(self._folder / "data"))
        deadline = time.monotonic() + START_SECONDS
        while self._shown() != expected:
            assert time.monotonic() < deadline, "the server has not read its certificate again"
            time.sleep(0.05)

    def _shown(self) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            plain.sendall(struct.pack("!II", 8, _SSL_REQUEST))
            assert plain.recv(1) == b"S"
            with context.wrap_socket(plain) as secured:
                return secured.getpeercert(binary_form=True) or b""

    def _await_ready(self, data: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            lines = (data / "postmaster.pid").read_text().splitlines() if (data / "postmaster.pid").exists() else []
            if len(lines) > 7 and lines[7].strip() == "ready":
                return
            time.sleep(0.05)
        raise AssertionError((self._folder / "server.log").read_text())

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603  # our own programs and arguments
            [self._binaries / program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **self._user.popen_options,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def secured_postgres() -> Iterator[SecuredPostgres]:
    """A running server. Where the system has none the test is skipped; with `REQUIRE_DEBIAN_POSTGRES=1` it fails."""
    installed = sorted(_INSTALLATIONS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not installed:
        if os.environ.get("REQUIRE_DEBIAN_POSTGRES") == "1":
            pytest.fail(_WITHOUT, pytrace=False)
        pytest.skip(_WITHOUT)
    with tempfile.TemporaryDirectory(prefix="guanxi-test-tls-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = SecuredPostgres(installed[-1].parent, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
