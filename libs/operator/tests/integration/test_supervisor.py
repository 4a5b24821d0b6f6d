"""The supervisor starts again what dies, stops nobody for a crash loop, stops in order, and leaves no child behind when it is killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

PROGRAM = Path(__file__).with_name("run_dummies.py")
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="guanxi-supervisor-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts supervisors and kills, after the test, those that a failure left."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*children: str, database: str = "-", quick: str = "") -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(PROGRAM), str(folder), database, *children]
        started.append(subprocess.Popen(command, env={**os.environ, "QUICK": quick}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    if (folder / "postgres").is_dir():
        EmbeddedPostgres(folder / "postgres").delete()


async def _pid(folder: Path, name: str, *, other_than: int = 0) -> int:
    async def read() -> int:
        file = folder / f"{name}.pid"
        assert file.exists()
        pid = int(file.read_text() or 0)
        return pid if pid != other_than else 0

    return await eventually(read, timeout=30)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _gone(*pids: int) -> None:
    async def probe() -> bool:
        return not any(_runs(pid) for pid in pids)

    await eventually(probe, timeout=30)


async def _end(supervisor: "subprocess.Popen[bytes]", number: signal.Signals | None = None) -> int:
    if number is not None:
        supervisor.send_signal(number)
    return await anyio.to_thread.run_sync(partial(supervisor.wait, timeout=60))


async def _said(folder: Path, line: str) -> None:
    async def probe() -> bool:
        return line in _console(folder)

    await eventually(probe, timeout=30)


def _console(folder: Path) -> str:
    file = folder / "console"
    return file.read_text() if file.exists() else ""


def _events(folder: Path) -> list[str]:
    """What the children wrote so far."""
    file = folder / "events"
    return file.read_text().splitlines() if file.exists() else []


async def test_a_killed_child_is_started_again_and_the_others_stay(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0", "two:stay:0")
    one, two = await _pid(folder, "one"), await _pid(folder, "two")
    os.kill(one, signal.SIGKILL)
    again = await _pid(folder, "one", other_than=one)
    assert await _pid(folder, "two") == two
    code = await _end(supervisor, signal.SIGTERM)
    assert code == 0
    assert "one ended (exit -9), starting it again in 0.5 s" in _console(folder)
    await _gone(again, two)


async def test_d18_a_crash_loop_stops_nobody_else_and_the_exit_code_tells_it(folder: Path, start: Start) -> None:
    supervisor = start("good:stay:0", "bad:crash:0")
    good = await _pid(folder, "good")
    await _said(folder, "bad ended (exit 3) again and does not stay up")
    await _said(folder, "bad ended (exit 3), starting it again in 30 s")
    assert _runs(good)
    assert supervisor.poll() is None
    code = await _end(supervisor, signal.SIGTERM)
    assert code == 1
    assert "down at the stop: bad" in _console(folder)
    assert _events(folder).count("bad started") == 5
    await _gone(good)


async def test_d18_one_that_does_not_stay_up_is_tried_on_and_said_to_be_up_again(folder: Path, start: Start) -> None:
    supervisor = start("one:mended:0", quick="yes")
    await _said(folder, "one ended (exit 3) again and does not stay up")
    (folder / "mend").touch()
    await _said(folder, "one is up again")
    code = await _end(supervisor, signal.SIGTERM)
    assert code == 0


async def test_d18_a_program_that_is_not_there_is_waited_for_too(folder: Path, start: Start) -> None:
    supervisor = start("good:stay:0", "absent:absent:0")
    good = await _pid(folder, "good")
    await _said(folder, "absent cannot be started (No such file or directory), starting it again in 1 s")
    assert _runs(good)
    assert await _end(supervisor, signal.SIGTERM) == 1


async def test_readiness_is_waited_for_as_long_as_it_takes_and_what_runs_once_starts_then(folder: Path, start: Start) -> None:
    supervisor = start("slow:late:0", "load:finish:0", quick="yes")
    await _said(folder, "not ready after 1 s: slow")
    assert "load started" not in _events(folder)
    (folder / "ready").touch()
    await _said(folder, "load is done")
    assert await _end(supervisor, signal.SIGTERM) == 0


async def test_a_child_does_not_see_its_supervisors_secrets(folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://hidden")
    monkeypatch.setenv("CLOUD_TOKEN", "hidden")
    monkeypatch.setenv("GUANXI_BUSINESS_ZONE", "Asia/Shanghai")
    supervisor = start("one:stay:0")
    pid = await _pid(folder, "one")
    environment = await anyio.Path(f"/proc/{pid}/environ").read_bytes()
    assert b"GUANXI_BUSINESS_ZONE=Asia/Shanghai" in environment
    assert b"hidden" not in environment
    assert await _end(supervisor, signal.SIGTERM) == 0


async def test_waves_are_stopped_one_after_the_other(folder: Path, start: Start) -> None:
    supervisor = start("worker:stay:1", "api:stay:0")
    await _pid(folder, "worker")
    await _pid(folder, "api")
    code = await _end(supervisor, signal.SIGINT)
    assert code == 0
    assert [event for event in _events(folder) if "sigterm" in event] == ["api sigterm", "worker sigterm"]


async def test_a_child_that_does_not_end_is_killed_after_the_grace(folder: Path, start: Start) -> None:
    supervisor = start("one:stubborn:0")
    pid = await _pid(folder, "one")
    code = await _end(supervisor, signal.SIGTERM)
    assert code == 0
    assert "killed after 1 s: one" in _console(folder)
    await _gone(pid)


async def test_children_end_when_the_supervisor_is_killed(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0", "two:stubborn:0")
    pids = await _pid(folder, "one"), await _pid(folder, "two")
    await _end(supervisor, signal.SIGKILL)
    await _gone(*pids)
    assert "one sigterm" in _events(folder)


async def test_a_child_that_runs_once_is_not_started_again(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0", "load:finish:0")
    await _pid(folder, "load")

    await _said(folder, "load is done")
    assert await _end(supervisor, signal.SIGTERM) == 0
    assert _console(folder).index("ready") < _console(folder).index("load is done")
    assert _events(folder).count("load started") == 1


async def test_lines_are_kept_and_warnings_reach_the_console_under_the_childs_name(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0")
    log = folder / "logs" / "one.log"

    async def whispered() -> bool:
        return log.exists() and "whispers" in log.read_text()

    await eventually(whispered, timeout=30)
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    await _end(supervisor, signal.SIGTERM)
    assert log.read_text().splitlines() == ["WARNING one speaks", "INFO one whispers"]
    assert "one                WARNING one speaks" in _console(folder)
    assert "whispers" not in _console(folder)


async def test_a_killed_database_is_started_again(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0", database="postgres")
    await _pid(folder, "one")
    postmaster = await _pid(folder, "postgres")
    os.kill(postmaster, signal.SIGKILL)

    async def replaced() -> int:
        file = folder / "postgres" / "data" / "postmaster.pid"
        assert file.exists()
        lines = file.read_text().splitlines()
        assert len(lines) == 8
        assert lines[7].strip() == "ready"
        return int(lines[0]) if int(lines[0]) != postmaster else 0

    again = await eventually(replaced, timeout=30)
    await _said(folder, "PostgreSQL runs again")
    code = await _end(supervisor, signal.SIGTERM)
    assert code == 0
    assert "PostgreSQL ended, starting it again" in _console(folder)
    await _gone(again)


async def test_the_next_supervisor_takes_over_the_database_of_a_killed_one(folder: Path, start: Start) -> None:
    supervisor = start("one:stay:0", database="postgres")
    child, postmaster = await _pid(folder, "one"), await _pid(folder, "postgres")
    await _end(supervisor, signal.SIGKILL)
    await _gone(child)
    assert _runs(postmaster)
    (folder / "one.pid").unlink()
    following = start("one:stay:0", database="postgres")
    await _pid(folder, "one")
    assert int((folder / "postgres.pid").read_text()) == postmaster
    code = await _end(following, signal.SIGTERM)
    assert code == 0
    await _gone(postmaster)
