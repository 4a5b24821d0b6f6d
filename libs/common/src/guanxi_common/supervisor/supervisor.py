"""Keeps children running: starts them, starts again those that end, and stops all in good order.

Guarantees
- A child that ends is started again after 0.5, 1, 2, 4 s; at its fifth end within 60 s everything is stopped and `run` returns 1.
- However the supervisor ends, its children end too: they hold a pipe that closes with it (`parent.watch_parent_pipe`).
- SIGINT or SIGTERM: SIGTERM to the children wave by wave, each wave awaited; what still runs after the grace is killed with its
  descendants. A second signal kills at once.
- The database is started again, on its port, if its server dies.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
import httpx

from guanxi_common.supervisor.children import Child, ChildLog, ChildSpec
from guanxi_common.supervisor.parent import GRACE_SECONDS
from guanxi_common.supervisor.policy import RestartBudget

READY_SECONDS = 60
_DATABASE_POLL_SECONDS = 0.5

Console = Callable[[str], None]


class DatabaseServer(Protocol):
    """What the supervisor keeps alive besides its children (`db.embedded.EmbeddedPostgres`)."""

    @property
    def running(self) -> bool: ...

    def restart(self) -> None: ...


class Supervisor:
    """`run` blocks its task until everything has been stopped. Nothing is shared between runs."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        logs: Path,
        console: Console,
        database: DatabaseServer | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._specs = specs
        self._console = console
        self._logs = logs
        self._database = database
        self._grace = grace
        self._children: dict[str, Child | None] = {}  # None while it is being started
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Run until a signal (returns 0) or a crash loop (returns 1)."""
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            async with anyio.create_task_group() as tasks:
                for spec in self._specs:
                    tasks.start_soon(self._run_child, spec, reading)
                if self._database is not None:
                    tasks.start_soon(self._keep_database_running, self._database)
                tasks.start_soon(self._report_readiness)
                await self._stopping.wait()
                await self._stop_children()
                tasks.cancel_scope.cancel()
        finally:
            os.close(writing)
            os.close(reading)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return 1 if self._failed else 0

    def stop(self) -> None:
        """Stop everything in good order."""
        self._stopping.set()

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            self._console("killing what still runs")
            self._send(self._children, signal.SIGKILL)
            return
        self._console(f"{number.name}: stopping")
        self.stop()

    def _give_up(self, reason: str) -> None:
        self._console(reason)
        self._failed = True
        self.stop()

    async def _run_child(self, spec: ChildSpec, pipe: int) -> None:
        log = ChildLog(spec.name, self._logs, self._console)
        try:
            if spec.once:
                await self._run_once(spec, pipe, log)
            else:
                await self._keep_running(spec, pipe, log)
        except OSError as error:
            self._give_up(f"{spec.name} cannot be started: {error}")
        finally:
            log.close()

    async def _run_once(self, spec: ChildSpec, pipe: int, log: ChildLog) -> None:
        await self._ready.wait()
        code = await self._run_to_its_end(spec, pipe, log)
        if not self._stopping.is_set():
            self._console(f"{spec.name} is done" if code == 0 else f"{spec.name} failed (exit {code})")

    async def _keep_running(self, spec: ChildSpec, pipe: int, log: ChildLog) -> None:
        budget = RestartBudget()
        while not self._stopping.is_set():
            code = await self._run_to_its_end(spec, pipe, log)
            if self._stopping.is_set():
                return
            delay = budget.delay_after_exit(time.monotonic())
            if delay is None:
                self._give_up(f"{spec.name} ended again (exit {code}) and does not stay up: see {self._log_file(spec)}")
                return
            self._console(f"{spec.name} ended (exit {code}), starting it again in {delay:g} s")
            await self._pause(delay)

    async def _run_to_its_end(self, spec: ChildSpec, pipe: int, log: ChildLog) -> int:
        self._children[spec.name] = None
        try:
            child = await Child.start(spec, pipe=pipe, log=log)
            self._children[spec.name] = child
            return await child.wait()
        finally:
            del self._children[spec.name]

    def _log_file(self, spec: ChildSpec) -> Path:
        return self._logs / f"{spec.name}.log"

    async def _keep_database_running(self, database: DatabaseServer) -> None:
        budget = RestartBudget()
        while not self._stopping.is_set():
            await self._pause(_DATABASE_POLL_SECONDS)
            if database.running or self._stopping.is_set():
                continue
            delay = budget.delay_after_exit(time.monotonic())
            if delay is None:
                self._give_up("PostgreSQL ended again and does not stay up")
                return
            self._console("PostgreSQL ended, starting it again")
            try:
                await anyio.to_thread.run_sync(database.restart)
            except Exception as error:
                self._console(f"PostgreSQL did not start: {error}")
                await self._pause(delay)

    async def _report_readiness(self) -> None:
        """Say when every child that can be asked answers; one line, or one of complaint after a minute."""
        waiting = {spec.name: spec.readiness_url for spec in self._specs if spec.readiness_url}
        deadline = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while waiting and time.monotonic() < deadline and not self._stopping.is_set():
                for name, url in list(waiting.items()):
                    if await _answers(client, url):
                        del waiting[name]
                await self._pause(0.1)
        if waiting and not self._stopping.is_set():
            self._console(f"not ready after {READY_SECONDS} s: {', '.join(waiting)}")
        elif not self._stopping.is_set():
            self._console("ready")
            self._ready.set()

    async def _stop_children(self) -> None:
        for _, specs in groupby(sorted(self._specs, key=attrgetter("wave")), key=attrgetter("wave")):
            await self._stop_wave([spec.name for spec in specs if spec.name in self._children])

    async def _stop_wave(self, names: Sequence[str]) -> None:
        told: set[str] = set()
        deadline = time.monotonic() + self._grace
        while late := [name for name in names if name in self._children]:
            # One that was just being started is told as soon as it is there.
            reachable = {name for name in late if self._children[name]} - told
            self._send(reachable, signal.SIGTERM)
            told |= reachable
            if time.monotonic() > deadline:
                self._console(f"killed after {self._grace:g} s: {', '.join(late)}")
                self._send(late, signal.SIGKILL)
                deadline = time.monotonic() + self._grace
            await anyio.sleep(0.02)

    def _send(self, names: Iterable[str], number: signal.Signals) -> None:
        for name in names:
            if child := self._children.get(name):
                child.send(number)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until everything is to stop."""
        with anyio.move_on_after(seconds):
            await self._stopping.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
