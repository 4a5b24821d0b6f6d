"""Waking the relay: a NOTIFY after commit, at most one per 10 ms, on a connection of its own.

A NOTIFY inside the transaction would serialise all commits of the database, because PostgreSQL takes one global lock for the
commit of a notifying transaction. A wake-up may be lost: the relay polls every 100 ms whether it is woken or not.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

CHANNEL = "guanxi_outbox"
MIN_INTERVAL = 0.010
PROBE_INTERVAL = 30.0
"""Seconds between looks whether the server is still there: a connection that died without a word says nothing."""
_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class WakeUp:
    """Sends the wake-ups of one process; give it to `Database`. `url` is a `postgresql://` URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked = False

    def notify(self) -> None:
        """Ask for a wake-up; returns at once. Many calls within 10 ms become one NOTIFY."""
        self._asked = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._asked:
            self._asked = False
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(self._url, timeout=5)
                await self._connection.execute(f"NOTIFY {CHANNEL}", timeout=5)
            except _LOST:
                if self._connection is not None:
                    self._connection.terminate()  # a server process that stands still must not delay the wake-ups to come
                return  # the relay's poll finds the rows
            await asyncio.sleep(MIN_INTERVAL)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await self._connection.close()


class Listener:
    """Calls `on_wake` for every wake-up, and `on_listening` once it hears them and whenever it has looked that it still does."""

    def __init__(self, url: str, on_wake: Callable[[], None], *, on_listening: Callable[[], None] = lambda: None) -> None:
        self._url = url
        self._on_wake = on_wake
        self._on_listening = on_listening

    async def run(self) -> None:
        """Listen until cancelled. Raises where the connection cannot be made or is lost: its caller listens anew."""
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._on_wake())
            self._on_wake()
            while not lost.is_set():
                self._on_listening()
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), PROBE_INTERVAL)
                if not lost.is_set():
                    await connection.execute("SELECT 1", timeout=5)
        finally:
            if not connection.is_closed():
                connection.terminate()
        raise ConnectionResetError("the listening connection was lost")
