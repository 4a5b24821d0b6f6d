"""Keeps children running: starts them, starts again those that end, and stops all in good order.

Guarantees
- A child that ends is started again after 0.5, 1, 2, 4 s; from its fifth end within 60 s on after 30, then 60 s, for ever. The other
  children and the database are left alone, whatever becomes of it.
- However the supervisor ends, its children end too: they hold a pipe that closes with it (`parent.watch_parent_pipe`).
- SIGINT or SIGTERM: SIGTERM to the children wave by wave, each wave awaited; what still runs after the grace is killed with its
  descendants. A second signal kills at once.
- The database is started again, on its port, if its server dies, in the same way.
- `run` returns 1 where a child or the database was down, or did not stay up, at the moment of the stop.
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
from guanxi_common.parent import GRACE_SECONDS

from guanxi_operator.children import Child, ChildLog, ChildSpec
from guanxi_operator.policy import WINDOW_SECONDS, RestartBudget

READY_REPORT_SECONDS = 60.0
_READY_POLL_SECONDS = 0.1
_LATE_POLL_SECONDS = 1.0
_DATABASE_POLL_SECONDS = 0.5

Console = Callable[[str], None]


class DatabaseServer(Protocol):
    """What the supervisor keeps alive besides its children (`db.embedded.EmbeddedPostgres`)."""

    @property
    def running(self) -> bool: ...

    def restart(self) -> None: ...

    def rotate_log(self) -> None: ...


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
        self._budgets: dict[str, RestartBudget] = {}
        self._failed = False

    async def run(self) -> int:
        """Run until a signal. Returns 1 where something was down then, else 0."""
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
        if down := self._down():
            self._console(f"down at the stop: {', '.join(down)}")
            self._failed = True
        self._stopping.set()

    def _down(self) -> list[str]:
        """What has ended, or does not stay up."""
        children = [name for name, budget in self._budgets.items() if budget.used_up or name not in self._children]
        return children if self._database is None or self._database.running else [*children, "PostgreSQL"]

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            self._console("killing what still runs")
            self._send(self._children, signal.SIGKILL)
            return
        self._console(f"{number.name}: stopping")
        self.stop()

    async def _run_child(self, spec: ChildSpec, pipe: int) -> None:
        log = ChildLog(spec.name, self._logs, self._console)
        try:
            if spec.once:
                await self._run_once(spec, pipe, log)
            else:
                await self._keep_running(spec, pipe, log)
        finally:
            log.close()

    async def _run_once(self, spec: ChildSpec, pipe: int, log: ChildLog) -> None:
        await self._ready.wait()
        ended = await self._run_to_its_end(spec, pipe, log)
        if not self._stopping.is_set():
            self._console(f"{spec.name} is done" if ended == "ended (exit 0)" else f"{spec.name} failed: {ended}")

    async def _keep_running(self, spec: ChildSpec, pipe: int, log: ChildLog) -> None:
        budget = self._budgets[spec.name] = RestartBudget()
        while not self._stopping.is_set():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._note_when_up, spec.name, budget)
                ended = await self._run_to_its_end(spec, pipe, log)
                tasks.cancel_scope.cancel()
            if self._stopping.is_set():
                return
            was_used_up = budget.used_up
            delay = budget.delay_after_exit(time.monotonic())
            if budget.used_up and not was_used_up:
                self._console(
                    f"{spec.name} {ended} again and does not stay up: see {self._log_file(spec)}; everything else goes on"
                )
            self._console(f"{spec.name} {ended}, starting it again in {delay:g} s")
            await self._pause(delay)

    async def _note_when_up(self, name: str, budget: RestartBudget) -> None:
        """A child that did not stay up counts as up when it has run for a minute."""
        await anyio.sleep(WINDOW_SECONDS)
        if budget.used_up:
            self._console(f"{name} is up again")
        budget.stayed_up()

    async def _run_to_its_end(self, spec: ChildSpec, pipe: int, log: ChildLog) -> str:
        """Run the child; how it ended, in words."""
        self._children[spec.name] = None
        try:
            child = await Child.start(spec, pipe=pipe, log=log)
            self._children[spec.name] = child
            return f"ended (exit {await child.wait()})"
        except OSError as error:
            return f"cannot be started ({error.strerror})"
        finally:
            del self._children[spec.name]

    def _log_file(self, spec: ChildSpec) -> Path:
        return self._logs / f"{spec.name}.log"

    async def _keep_database_running(self, database: DatabaseServer) -> None:
        budget = RestartBudget()
        up_since = time.monotonic()
        while not self._stopping.is_set():
            await self._pause(_DATABASE_POLL_SECONDS)
            if database.running:
                database.rotate_log()
                if budget.used_up and time.monotonic() - up_since > WINDOW_SECONDS:
                    self._console("PostgreSQL is up again")
                    budget.stayed_up()
                continue
            if self._stopping.is_set():
                return
            delay = budget.delay_after_exit(time.monotonic())
            self._console(f"PostgreSQL ended, starting it again in {delay:g} s")
            await self._pause(delay)
            if await self._restarted(database):
                up_since = time.monotonic()

    async def _restarted(self, database: DatabaseServer) -> bool:
        if self._stopping.is_set():
            return False
        try:
            await anyio.to_thread.run_sync(database.restart)
        except Exception as error:
            self._console(f"PostgreSQL did not start: {error}")
            return False
        self._console("PostgreSQL runs again")
        return True

    async def _report_readiness(self) -> None:
        """Say when every child that can be asked answers, and until then once a minute which do not."""
        waiting = {spec.name: spec.readiness_url for spec in self._specs if spec.readiness_url}
        began = reported = time.monotonic()
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while waiting and not self._stopping.is_set():
                for name, url in list(waiting.items()):
                    if await _answers(client, url):
                        del waiting[name]
                now = time.monotonic()
                if waiting and now - reported > READY_REPORT_SECONDS:
                    reported = now
                    self._console(f"not ready after {now - began:.0f} s: {', '.join(waiting)}")
                await self._pause(_READY_POLL_SECONDS if now - began < READY_REPORT_SECONDS else _LATE_POLL_SECONDS)
        if not self._stopping.is_set():
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
    except httpx.HTTPError:
        return False
