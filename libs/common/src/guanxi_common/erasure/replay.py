"""Playing the list of erasures again: before a process is ready, and every minute for what a kill left half done."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import anyio.to_thread

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.erasure.records import Erasure, ErasureList, ErasureListBroken
from guanxi_common.erasure.registry import PersonalTable, erase_rows
from guanxi_common.parts import Part

INTERVAL: Final = 60.0
BATCH: Final = 100
SWEPT: Final = timedelta(days=1)
"""How long what was under way at the erasure (a book run, a batch of a consumer) may still write rows of the customer."""

Erase = Callable[[UnitOfWork, Sequence[Erasure]], Awaitable[None]]
"""What a service does to erase customers, in the transaction given. May be repeated."""


class ErasureWatch:
    """Looks after the erasures of one process. Nothing is served or consumed before `check` has succeeded once."""

    def __init__(self, database: Database, erasures: ErasureList, erase: Erase, clock: Clock) -> None:
        self._database = database
        self._list = erasures
        self._erase = erase
        self._clock = clock
        self.played = False

    async def check(self) -> None:
        """Erase whoever is on the list and not erased yet, or was erased within the last day. Raises `ErasureListBroken`, `OSError`."""
        async with self._database.transaction(readonly=True) as uow:
            known = {row[0] for row in await uow.driver.fetch("SELECT customer_id FROM erased_customer")}
        # The list last: an erasure is on it before the database knows.
        listed = await anyio.to_thread.run_sync(self._list.read)
        if missing := known - {erasure.customer_id for erasure in listed}:
            raise ErasureListBroken(f"the list of erasures lacks {len(missing)} customers whom the database knows to be erased")
        since = self._clock.now() - SWEPT
        due = [erasure for erasure in listed if erasure.customer_id not in known or erasure.erased_at > since]
        for start in range(0, len(due), BATCH):
            async with self._database.transaction() as uow:
                await self._erase(uow, due[start : start + BATCH])
                await uow.commit()
        self.played = True

    async def watch(self, part: Part, stop: asyncio.Event) -> None:
        """Look every minute: the work of a part."""
        while not stop.is_set():
            await self.check()
            part.went_well()
            await part.rest(stop, timeout=INTERVAL)


def erasing(tables: Sequence[PersonalTable]) -> Erase:
    """How a service that owns no keys erases: its rows go."""

    async def erase(uow: UnitOfWork, erasures: Sequence[Erasure]) -> None:
        for erasure in erasures:
            await erase_rows(uow, tables, [erasure.customer_id], erasure.erased_at)

    return erase


async def erase_told(uow: UnitOfWork, tables: Sequence[PersonalTable], keys: Sequence[str], clock: Clock) -> None:
    """Erase the customers whose tombstones a consumer has read."""
    if keys:
        await erase_rows(uow, tables, [UUID(key) for key in keys], clock.now())
