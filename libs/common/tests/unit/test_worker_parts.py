"""A worker none of whose parts may end unnoticed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from guanxi_common.process import until_stopped

pytestmark = pytest.mark.anyio


async def cancelled_from_within() -> None:
    own = asyncio.ensure_future(asyncio.Event().wait())
    own.cancel()
    await own


async def returns() -> None:
    """End at once."""


@pytest.mark.parametrize("work", [cancelled_from_within, returns])
async def test_a_part_that_ends_by_itself_ends_the_worker(work: Callable[[], Awaitable[None]]) -> None:
    async def worker() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(until_stopped("consumer", work(), asyncio.Event()))
            group.create_task(asyncio.Event().wait())

    with pytest.raises(ExceptionGroup) as raised:
        await worker()
    assert [str(error) for error in raised.value.exceptions] == ["the consumer ended by itself"]


async def test_a_part_may_end_when_it_is_told_to() -> None:
    stop = asyncio.Event()
    stop.set()
    await until_stopped("consumer", returns(), stop)


async def test_a_worker_that_is_cancelled_ends_as_cancelled() -> None:
    part = asyncio.ensure_future(until_stopped("consumer", asyncio.sleep(60), asyncio.Event()))
    await asyncio.sleep(0)
    part.cancel()
    with pytest.raises(asyncio.CancelledError):
        await part
