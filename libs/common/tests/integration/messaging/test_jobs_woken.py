"""A job that a consumer leaves work for is woken when that work is durable, and does not wait for its interval."""

import asyncio

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job, run_jobs, waking
from guanxi_common.testing.eventually import eventually
from guanxi_common.testing.fabric import FACTS, OPENED, Fabric, record, record_effects, running

pytestmark = pytest.mark.anyio

AN_HOUR = 3600


async def test_a_job_is_woken_by_the_consumer_and_ends_without_waiting(fabric: Fabric) -> None:
    wake, stop, looks, counted = asyncio.Event(), asyncio.Event(), 0, 0

    async def count_effects(uow: UnitOfWork) -> int:
        nonlocal looks, counted
        looks += 1
        counted = await uow.driver.fetchval("SELECT count(*) FROM effect")
        return 0

    async def looked() -> bool:
        return looks > 0

    async def all_counted() -> bool:
        return counted == 3

    jobs = asyncio.create_task(run_jobs(fabric.database, [Job("count-effects", AN_HOUR, count_effects, wake)], stop))
    try:
        await eventually(looked)
        producer = await fabric.bus.producer()
        async with running(fabric.runner(waking(record_effects, wake))):
            await producer.send([record(FACTS, f"c{n}", OPENED, data={"customer_id": f"c{n}", "n": n}) for n in range(3)])
            await eventually(all_counted)
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await jobs
