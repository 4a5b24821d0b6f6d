"""Long computations of a job: in a thread, so that the event loop goes on, with the job's transaction kept alive."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from guanxi_common.db.uow import UnitOfWork

T = TypeVar("T")

KEEP_ALIVE_SECONDS: Final = 5.0
"""Well below `idle_in_transaction_session_timeout`: what the job holds under lock, it holds by its transaction."""


async def off_the_loop(uow: UnitOfWork, work: Callable[[], T]) -> T:
    """Do `work`, which must not touch the database, in a thread."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while not (await asyncio.wait({task}, timeout=KEEP_ALIVE_SECONDS))[0]:
        await uow.driver.fetchval("SELECT 1")
    return await task
