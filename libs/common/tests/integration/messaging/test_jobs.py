"""Scheduled work: a job is woken when what it waits for is durable, and one that fails is counted and tried again."""

import asyncio
import time

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job, run_jobs, waking
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import FACTS, OPENED, Fabric, record, record_effects, running
from prometheus_client import REGISTRY

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


async def test_a_job_that_fails_is_counted_tried_again_and_late_until_it_succeeds(fabric: Fabric) -> None:
    stop, failures = asyncio.Event(), 2

    async def stumble(uow: UnitOfWork) -> int:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError("away")
        return 0

    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("guanxi_job_runs_total", {"name": "stumble", "outcome": outcome}) or 0

    def last_done() -> float:
        return REGISTRY.get_sample_value("guanxi_job_last_done_seconds", {"name": "stumble"}) or 0

    async def outcome(name: str, times: int) -> bool:
        return count(name) >= times

    jobs = asyncio.create_task(run_jobs(fabric.database, [Job("stumble", 0.01, stumble)], stop))
    began = time.time()
    try:
        await eventually(lambda: outcome("failed", 2))
        assert last_done() < began + 0.5, "a start that fails does not count as done"
        await eventually(lambda: outcome("done", 1))
        assert count("failed") == 2
        assert last_done() >= began + 0.5
    finally:
        stop.set()
        await jobs
