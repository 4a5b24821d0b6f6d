"""Virtual time and processes that can be killed at any await."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any


class Stuck(Exception):
    """Nothing is scheduled any more: every task waits for something that will never happen."""


class _NoFiles(selectors.SelectSelector):
    """Waits for nothing: what would be a wait moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer. No input or output, no threads."""

    def __init__(self) -> None:
        self._virtual = _NoFiles()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def _make_self_pipe(self) -> None:
        """No threads, no pipe to wake from them."""

    def _close_self_pipe(self) -> None:
        """There is none."""


def run_virtually(main: Coroutine[Any, Any, None]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


class Killed(BaseException):
    """The process is dead; nothing it does has any effect."""


class Process:
    """A process: `main` runs until it ends or is killed. What it asks of broker and database goes through `pause`.

    `dies_at`: how many requests it makes before it is killed.
    """

    def __init__(
        self, name: str, random: Random, main: Callable[["Process"], Awaitable[None]], *, dies_at: int | None = None
    ) -> None:
        self.name = name
        self.random = random
        self.alive = True
        self._left = dies_at
        self._main = main
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._main(self)
        except BaseException:
            if self.alive:
                raise

    def kill(self) -> None:
        """As SIGKILL: from now on nothing it does has any effect, its clean-up included."""
        self.alive = False
        if self._task is not None:
            self._task.cancel()

    def raise_if_failed(self) -> None:
        """Raise what the main function raised, unless the process was killed."""
        if self.alive and self._task is not None and self._task.done():
            self._task.result()

    async def pause(self, low: float = 0.0002, high: float = 0.003) -> None:
        """Take some time, as every request does; a dead process gets no further."""
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self.kill()
        if not self.alive:
            raise Killed
        await asyncio.sleep(self.random.uniform(low, high))
        if not self.alive:
            raise Killed
