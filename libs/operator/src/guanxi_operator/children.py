"""One supervised process: started in a process group of its own, its lines kept, ended with all its descendants."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from guanxi_common.parent import PIPE_VARIABLE
from guanxi_common.private_files import PrivateRotatingLog, private_folder

from guanxi_operator.policy import is_notable, passed_on

_LINE_LIMIT = 1024 * 1024
_LOG_BYTES = 20 * 1024 * 1024
_OLDER_LOGS = 3


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running.

    `env` is its own: of the supervisor's it gets only what `policy.passed_on` lets through. `readiness_url` answers 200 when the
    process can serve. At the end the children of the lowest `wave` are stopped first: those that take requests before those that pass
    on what the requests caused. A child that runs `once` is started when the others are ready, and not again when it has ended; it has
    the supervisor's own terminal.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    readiness_url: str | None = None
    wave: int = 0
    once: bool = False


class Child:
    """A running process of a `ChildSpec`."""

    def __init__(self, process: asyncio.subprocess.Process, pump: "asyncio.Task[None] | None") -> None:
        self._process = process
        self._pump = pump

    @classmethod
    async def start(cls, spec: ChildSpec, *, pipe: int, log: "ChildLog") -> "Child":
        """Start it. `pipe` is the reading end of the pipe that the supervisor alone can close."""
        process = await asyncio.create_subprocess_exec(
            *spec.argv,
            env={**passed_on(os.environ), **spec.env, PIPE_VARIABLE: str(pipe)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=None if spec.once else asyncio.subprocess.PIPE,
            stderr=None if spec.once else asyncio.subprocess.STDOUT,
            limit=_LINE_LIMIT,
            pass_fds=(pipe,),
            process_group=0,
        )
        return cls(process, asyncio.create_task(log.keep(process.stdout)) if process.stdout else None)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Its exit code, once it has ended. A descendant that holds its output open is not waited for."""
        code = await self._process.wait()
        if self._pump is not None:
            await asyncio.wait([self._pump], timeout=1)
            self._pump.cancel()
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and all its descendants."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class ChildLog:
    """The log file of one child (20 MB, three older ones, mode 600); notable lines also go to the console, after the child's name."""

    def __init__(self, name: str, folder: Path, console: Callable[[str], None]) -> None:
        self._name = name
        self._console = console
        self._file: PrivateRotatingLog | None = None
        try:
            file = private_folder(folder) / f"{name}.log"
            self._file = PrivateRotatingLog(file, max_bytes=_LOG_BYTES, older_files=_OLDER_LOGS)
        except OSError as error:  # a child without a log runs all the same
            console(f"{name} has no log file: {error}")

    async def keep(self, output: asyncio.StreamReader) -> None:
        """Keep the lines of `output` until it ends."""
        while True:
            try:
                raw = await output.readline()
            except ValueError:
                self.write(f"(a line of more than {_LINE_LIMIT} bytes was dropped)")
                continue
            if not raw:
                return
            self.write(raw.decode(errors="replace").rstrip("\n"))

    def write(self, line: str) -> None:
        if self._file is not None:
            self._file.handle(logging.LogRecord(self._name, logging.INFO, "", 0, line, None, None))
        if is_notable(line):
            self._console(f"{self._name:<18} {line}")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
