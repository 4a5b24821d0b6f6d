"""Scheduled work of a worker process. A job is an edge: its runner opens the transaction and commits it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from guanxi_common.context import current_context, set_context
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.messaging.failures import describe

_log = structlog.get_logger("guanxi.jobs")
_LONGEST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run` does a bounded part of the work in its own transaction and returns how much it did.

    It runs again at once while it did something, else after `interval` seconds. Several workers may run it at the same time: it takes
    what it works on under locks, or does what may be done twice.
    """

    name: str
    interval: float
    run: Callable[[UnitOfWork], Awaitable[int]]


async def run_jobs(database: Database, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set; a transaction under way is finished."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_run(database, job, stop), name=job.name)


async def _run(database: Database, job: Job, stop: asyncio.Event) -> None:
    set_context(replace(current_context(), actor=f"system:{job.name}"))
    backoff = job.interval
    while not stop.is_set():
        try:
            done = await run_once(database, job)
        except Exception as error:  # a job that fails must not end the worker: it is logged, counted and tried again
            _log.warning("job_failed", job=job.name, error=describe(error))
            backoff = min(max(backoff * 2, 0.5), _LONGEST_BACKOFF)
            await _wait(stop, backoff)
            continue
        backoff = job.interval
        if not done:
            await _wait(stop, job.interval)


async def run_once(database: Database, job: Job) -> int:
    """One transaction of the job."""
    async with database.transaction() as uow:
        done = await job.run(uow)
        await uow.commit()
    return done


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
