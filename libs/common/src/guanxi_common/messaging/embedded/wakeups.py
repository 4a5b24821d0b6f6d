"""Waking readers of other processes: NOTIFY after commit, coalesced; LISTEN on a connection of its own.

A wake-up may be lost or come for nothing. It is never relied on: readers poll.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog

from guanxi_common.messaging.bus import BusUnavailable
from guanxi_common.messaging.embedded.database import Connection, Pool, connect, reported

_CHANNEL = "guanxi_bus"
_COALESCE_SECONDS = 0.01
_RECONNECT_SECONDS = 1.0
_CLOSE_SECONDS = 1.0

Waker = Callable[[], None]
log = structlog.get_logger(__name__)


def topic_sign(topic_id: int) -> str:
    """The wake-up of new records in a topic."""
    return f"t{topic_id}"


def group_sign(group: str) -> str:
    """The wake-up of a change in a group's membership."""
    return f"g{group}"


async def notify_in(connection: Connection, sign: str) -> None:
    """Wake when the present transaction commits. For rare things only: such a NOTIFY serialises commits."""
    await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, sign)


class Wakeups:
    """Sends and receives the wake-ups of one process. `listening` is False while its connection is lost."""

    def __init__(self, url: str, pool: Pool) -> None:
        self.listening = False
        self._url = url
        self._pool = pool
        self._wakers: dict[str, set[Waker]] = {}
        self._pending: set[str] = set()
        self._sender: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None

    def subscribe(self, signs: Iterable[str], waker: Waker) -> None:
        """Call `waker` at every wake-up of `signs`, and whenever some may have been missed."""
        for sign in signs:
            self._wakers.setdefault(sign, set()).add(waker)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="bus-listen")

    def unsubscribe(self, waker: Waker) -> None:
        for wakers in self._wakers.values():
            wakers.discard(waker)

    def announce(self, signs: Iterable[str]) -> None:
        """Wake the readers of `signs` soon; at most one NOTIFY per 10 ms."""
        self._pending.update(signs)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send(), name="bus-notify")

    async def close(self) -> None:
        """Send what is pending, if that is soon done, and stop listening."""
        if self._sender is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._sender, _CLOSE_SECONDS)
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    async def _send(self) -> None:
        while self._pending:
            signs, self._pending = sorted(self._pending), set()
            with suppress(BusUnavailable), reported():
                await self._pool.execute("SELECT pg_notify($1, sign) FROM unnest($2::text[]) AS sign", _CHANNEL, signs)
            await asyncio.sleep(_COALESCE_SECONDS)

    async def _listen(self) -> None:
        while True:
            with suppress(BusUnavailable), reported():
                await self._listen_once()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        """Listen until the connection ends."""
        lost = asyncio.Event()
        connection = await connect(self._url)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(_CHANNEL, self._on_notification)
            self.listening = True
            log.info("bus_listening")
            for sign in list(self._wakers):
                self._wake(sign)
            await lost.wait()
            log.warning("bus_listening_lost")
        finally:
            self.listening = False
            connection.terminate()

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, sign: str) -> None:
        self._wake(sign)

    def _wake(self, sign: str) -> None:
        for waker in tuple(self._wakers.get(sign, ())):
            waker()
