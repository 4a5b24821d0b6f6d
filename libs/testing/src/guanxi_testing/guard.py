"""What a test run starts ends with it, however the run ends: SIGTERM and SIGKILL of pytest run no fixture's end.

The run marks its environment, and its descendants keep the mark, PostgreSQL included. A guard outside of its process group waits for
the end of the run at a pipe that only the run holds open, and ends every process that bears the mark. A run within a run (the
mutants) has a mark and a guard of its own. Linux, since the guard looks into /proc; elsewhere the next run ends what was left.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from guanxi_common.parent import RUN_MARK

_PROCESSES = Path("/proc")
_GRACE_SECONDS = 20
_POLL_SECONDS = 0.1
_held: list[int] = []
"""The pipe's ends of this process, open until it ends; no program that it starts inherits them."""


def guard_this_run() -> None:
    """Mark this process's environment and start its guard, once."""
    if _held or not _PROCESSES.is_dir():
        return
    mark = os.environ[RUN_MARK] = uuid4().hex
    waiting, held = os.pipe()
    unmarked = {name: value for name, value in os.environ.items() if name != RUN_MARK}
    # It forks, and the first process ends at once: there is no child of the run that lives as long as the run.
    subprocess.run([sys.executable, "-m", __name__, mark], stdin=waiting, env=unmarked, start_new_session=True, check=True)  # noqa: S603
    os.close(waiting)
    _held.append(held)


def end_marked(mark: str) -> None:
    """End every process that bears `mark`.

    PostgreSQL comes last and by SIGQUIT, so that it gives its shared memory back and no supervisor starts it again.
    """
    deadline = time.monotonic() + _GRACE_SECONDS
    while left := list(marked(mark)):
        others = [pid for pid, name in left if name != "postgres"]
        late = time.monotonic() > deadline
        for pid in others or [pid for pid, _ in left]:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL if others or late else signal.SIGQUIT)
        time.sleep(_POLL_SECONDS)
        if time.monotonic() > deadline + _GRACE_SECONDS:
            return


def marked(mark: str) -> Iterator[tuple[int, str]]:
    """Number and name of each live process that was started with the mark, but for this one."""
    wanted = f"{RUN_MARK}={mark}".encode()
    for folder in _PROCESSES.iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "comm").read_text().strip()


def _main(mark: str) -> None:
    if os.fork():
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 2)
    sys.stdin.buffer.read()
    end_marked(mark)


if __name__ == "__main__":
    _main(sys.argv[1])
