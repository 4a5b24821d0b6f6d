"""A service under load that ends by SIGKILL at one point: `relay_member.py point database bus`; see `test_six_points.py`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from guanxi_common.db.uow import Database, create_engine
from guanxi_common.messaging import outbox
from guanxi_common.messaging.bus import BusError, Outgoing
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.outbox.store import OutboxPass, PostgresOutbox
from guanxi_common.messaging.relay import Relay
from guanxi_testing.fabric import TaskOpened

WRITERS = 4
AT = 30
"""How often the point is passed before the end."""


class Point:
    """Where the end comes. `during the shutdown`: the relay is told to stop in a pass, and the end comes when it has finished it."""

    def __init__(self, name: str, stop: asyncio.Event) -> None:
        self._stop = stop if name == "during the shutdown" else None
        self._name = "before the mark is durable" if self._stop else name
        self._left = AT

    def passed(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0 and self._stop:
                self._stop.set()
            elif self._left == 0:
                end()


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Wrapped:
    """The inner object with the methods that a subclass overrides."""

    def __init__(self, inner: Any, point: Point) -> None:
        self.inner, self.point = inner, point

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class KilledBus(Wrapped):
    async def producer(self) -> "KilledProducer":
        return KilledProducer(await self.inner.producer(), self.point)


class KilledProducer(Wrapped):
    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        self.point.passed("before the broker's acknowledgement")
        results: list[BusError | None] = await self.inner.send(records)
        self.point.passed("after the broker's acknowledgement")
        return results


class KilledStore(Wrapped):
    @asynccontextmanager
    async def begin(self) -> AsyncIterator[OutboxPass]:
        async with self.inner.begin() as transaction:
            killed: Any = KilledPass(transaction, self.point)
            yield killed


class KilledPass(Wrapped):
    async def commit(self) -> None:
        self.point.passed("before the mark is durable")
        await self.inner.commit()
        self.point.passed("after the mark is durable")


async def write(database: Database, point: Point, writer: int) -> None:
    """A row of state and its event in one transaction, again and again."""
    n = 0
    while True:
        n += 1
        async with database.transaction() as uow:
            await uow.driver.execute("INSERT INTO customer VALUES ($1, $2)", f"{writer}-{n}", n)
            await outbox.append(uow, TaskOpened(customer_id=f"{writer}", n=n))
            point.passed("before the commit")
            await uow.commit()
            point.passed("after the commit")


async def main(name: str, url: str, bus_url: str) -> None:
    stop = asyncio.Event()
    point = Point(name, stop)
    database = Database(create_engine(url))
    bus: Any = KilledBus(await EmbeddedBus.open(bus_url), point)
    store: Any = KilledStore(PostgresOutbox(database), point)
    writers = [asyncio.create_task(write(database, point, writer)) for writer in range(WRITERS)]
    await Relay(store, bus).run(stop)
    assert not any(writer.done() for writer in writers)
    end()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
