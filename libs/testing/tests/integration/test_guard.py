"""8.C, orphans: what a test run has started ends with it, however the run ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.parent import RUN_MARK
from guanxi_testing.guard import marked

pytestmark = pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="the guard is Linux's; elsewhere the next run ends what was left"
)

RUN = """
import subprocess, sys, time
from guanxi_testing.guard import guard_this_run
guard_this_run()
grandchild = "import subprocess, sys; print(subprocess.Popen(['sleep', '600'], start_new_session=True).pid, flush=True)"
subprocess.run([sys.executable, "-c", grandchild], check=True)
print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
print("started", flush=True)
time.sleep({seconds})
"""

HANGING = """
import os, time
from pathlib import Path
def test_hangs(postgres):
    Path({file!r}).write_text(os.environ[{variable!r}])
    time.sleep(600)
"""


def lives(pid: int) -> bool:
    """A zombie has ended: only its parent has not looked yet."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def soon(happened: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def unmarked() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != RUN_MARK}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL, None], ids=["SIGTERM", "SIGKILL", "by itself"])
def test_processes_end_with_the_run_that_started_them(unmarked: dict[str, str], end: signal.Signals | None) -> None:
    """One of them is in another session, and its own parent has ended before."""
    code = RUN.format(seconds=600 if end else 0)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=unmarked) as run:
        assert run.stdout is not None
        pids = [int(line) for line in iter(run.stdout.readline, "started\n")]
        assert len(pids) == 2
        if end is not None:
            assert all(lives(pid) for pid in pids)
            run.send_signal(end)
        run.wait()
    assert soon(lambda: not any(lives(pid) for pid in pids))


@pytest.fixture
def hanging(tmp_path: Path, unmarked: dict[str, str]) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A run with a worker of pytest-xdist, in which a test hangs, and the run's mark."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    told = tmp_path / "started"
    (tmp_path / "test_hanging.py").write_text(HANGING.format(file=str(told), variable=RUN_MARK))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "guanxi_testing.plugin", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        [*command, str(tmp_path / "test_hanging.py")],
        cwd=tmp_path,
        env={**unmarked, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert soon(lambda: told.exists() and bool(told.read_text()), 240)
    yield run, told.read_text()
    run.kill()
    run.wait()
    for folder in temporary.glob("guanxi-test-postgres-*"):
        EmbeddedPostgres(folder).delete()


def test_the_postgresql_and_the_workers_of_a_killed_run_end_with_it(hanging: tuple["subprocess.Popen[bytes]", str]) -> None:
    run, mark = hanging
    assert {"postgres", "python"} <= {re.sub(r"[^a-z].*", "", name) for _, name in marked(mark)}
    run.kill()
    run.wait()
    assert soon(lambda: not list(marked(mark)))


@pytest.mark.kafka
def test_a_runs_broker_bears_its_mark(kafka: str) -> None:
    ours = "java" in {name for _, name in marked(os.environ[RUN_MARK])}
    assert ours or kafka == os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), "only a broker that somebody named is not the run's"
