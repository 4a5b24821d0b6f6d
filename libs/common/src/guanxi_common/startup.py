"""Starting while a database or the broker is away: a process waits for it, rather than end and be started again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from guanxi_common.messaging.failures import describe, is_transient

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 2.0
_log = structlog.get_logger("guanxi.startup")


async def when_available(step: Callable[[], Awaitable[T]], *, patience: float = PATIENCE_SECONDS) -> T:
    """Do a step of the start, which may be done twice. A transient failure is tried again for `patience` seconds, then raised."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + patience, _FIRST_PAUSE
    while True:
        try:
            return await step()
        except Exception as error:
            if not is_transient(error) or loop.time() + pause > deadline:
                raise
            _log.warning("waiting_to_start", error=describe(error), again_in_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
