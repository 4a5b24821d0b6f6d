"""Scheduled work of a worker process. A job is an edge: its runner opens the transaction and commits it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.context import current_context, set_context
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import describe
from guanxi_common.messaging.processing import Handler
from guanxi_common.parts import STALLED_SECONDS, Part, run_parts
from guanxi_common.set_aside import USUAL, Patience
from guanxi_common.telemetry.job_metrics import JOB_LAST_DONE, JOB_RUNS
from guanxi_common.work import Work

_log = structlog.get_logger("guanxi.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """`run` does a bounded part of the work in its own transaction and returns how much it did.

    It runs again at once while it did something, else after `interval` seconds, or as soon as `wake` is set. Several workers may run
    it at the same time: it takes what it works on under locks, or does what may be done twice. A wake-up stays in the process; it
    is never relied on, what it would have told is found after `interval`. A run of more than `deadline` seconds is given up.
    """

    name: str
    interval: float
    run: Callable[[UnitOfWork], Awaitable[int]]
    wake: asyncio.Event = field(default_factory=asyncio.Event, compare=False)
    deadline: float = STALLED_SECONDS


@dataclass(frozen=True, kw_only=True)
class WorkerParts:
    """What consumers and jobs are built from. A service extends it with its own parts (keys, standards)."""

    clock: Clock
    calendar: BusinessCalendar
    patience: Patience = USUAL

    def work(self, uow: UnitOfWork, name: str) -> Work:
        """The work of the consumer, job or step of that name, as of now."""
        return Work.of_system(uow, name, self.clock.now(), self.calendar)

    def job(
        self, name: str, interval: float, use_case: Callable[[Work], Awaitable[int]], wake: asyncio.Event | None = None
    ) -> Job:
        """The job that does `use_case` in its own name; see `Job`."""

        async def run(uow: UnitOfWork) -> int:
            return await use_case(self.work(uow, name))

        return Job(name, interval, run, wake or asyncio.Event())


def waking(handler: Handler, wake: asyncio.Event) -> Handler:
    """The handler that also wakes a job, once what it did is durable: a worker that leaves work for a job does not wait for it."""

    async def set_wake() -> None:
        wake.set()

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await handler(uow, events)
        if not uow.replaying:
            uow.after_commit(set_wake)

    return handle


def job_part(database: Database, job: Job, *, needs: Sequence[Part] = ()) -> Part:
    """The part that runs one job, and runs it again, later each time, where it fails. One that never succeeds is late from now on."""
    JOB_LAST_DONE.labels(job.name).set_to_current_time()

    async def work(part: Part, stop: asyncio.Event) -> None:
        await _run(database, job, part, stop)

    return Part(f"job:{job.name}", work, needs=needs, stalled_after=job.deadline)


async def run_jobs(database: Database, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set; a transaction under way is finished."""
    await run_parts([job_part(database, job) for job in jobs], stop)


async def _run(database: Database, job: Job, part: Part, stop: asyncio.Event) -> None:
    set_context(replace(current_context(), actor=f"system:{job.name}"))
    while not stop.is_set():
        job.wake.clear()  # before the look: what comes during it is looked for again
        try:
            done = await run_once(database, job)
        except Exception as error:
            JOB_RUNS.labels(job.name, "failed").inc()
            _log.warning("job_failed", job=job.name, error=describe(error))
            raise
        part.went_well()
        JOB_RUNS.labels(job.name, "done").inc()
        JOB_LAST_DONE.labels(job.name).set_to_current_time()
        if not done:
            await part.rest(stop, job.wake, timeout=job.interval)


async def run_once(database: Database, job: Job) -> int:
    """One transaction of the job."""
    async with database.transaction() as uow:
        done = await job.run(uow)
        await uow.commit()
    return done
