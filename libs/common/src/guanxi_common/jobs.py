"""Scheduled work of a worker process. A job is an edge: its runner opens the transaction and commits it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from guanxi_common.context import current_context, set_context
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import describe
from guanxi_common.messaging.processing import Handler
from guanxi_common.telemetry.job_metrics import JOB_LAST_DONE, JOB_RUNS

_log = structlog.get_logger("guanxi.jobs")
_LONGEST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run` does a bounded part of the work in its own transaction and returns how much it did.

    It runs again at once while it did something, else after `interval` seconds, or as soon as `wake` is set. Several workers may run
    it at the same time: it takes what it works on under locks, or does what may be done twice. A wake-up stays in the process; it
    is never relied on, what it would have told is found after `interval`.
    """

    name: str
    interval: float
    run: Callable[[UnitOfWork], Awaitable[int]]
    wake: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


def waking(handler: Handler, wake: asyncio.Event) -> Handler:
    """The handler that also wakes a job, once what it did is durable: a worker that leaves work for a job does not wait for it."""

    async def set_wake() -> None:
        wake.set()

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await handler(uow, events)
        uow.after_commit(set_wake)

    return handle


async def run_jobs(database: Database, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set; a transaction under way is finished."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_run(database, job, stop), name=job.name)
        await stop.wait()
        for job in jobs:
            job.wake.set()


async def _run(database: Database, job: Job, stop: asyncio.Event) -> None:
    set_context(replace(current_context(), actor=f"system:{job.name}"))
    JOB_LAST_DONE.labels(job.name).set_to_current_time()  # one that never succeeds is late from its start
    backoff = job.interval
    while not stop.is_set():
        job.wake.clear()  # before the look: what comes during it is looked for again
        try:
            done = await run_once(database, job)
        except Exception as error:  # a job that fails must not end the worker: it is logged, counted and tried again
            JOB_RUNS.labels(job.name, "failed").inc()
            _log.warning("job_failed", job=job.name, error=describe(error))
            backoff = min(max(backoff * 2, 0.5), _LONGEST_BACKOFF)
            await _wait(stop, backoff)
            continue
        JOB_RUNS.labels(job.name, "done").inc()
        JOB_LAST_DONE.labels(job.name).set_to_current_time()
        backoff = job.interval
        if not done and not stop.is_set():
            await _wait(job.wake, job.interval)


async def run_once(database: Database, job: Job) -> int:
    """One transaction of the job."""
    async with database.transaction() as uow:
        done = await job.run(uow)
        await uow.commit()
    return done


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
