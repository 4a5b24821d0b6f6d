"""The worker's side of operations: one job for each kind does the next step of the kind's next operation."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.errors import DomainError
from guanxi_common.jobs import Job
from guanxi_common.messaging.failures import describe
from guanxi_common.operations import repository
from guanxi_common.operations.metrics import OPERATION_STANDING
from guanxi_common.operations.policy import Ended, Failure, Moved
from guanxi_common.operations.repository import Operation
from guanxi_common.operations.service import count_ended
from guanxi_common.parts import STALLED_SECONDS
from guanxi_common.set_aside.policy import USUAL, Patience, Whose, whose

INTERVAL: Final = 1.0
WATCH_INTERVAL: Final = 30.0
PURGE_INTERVAL: Final = 600.0
KEPT: Final = timedelta(days=400)
"""So long an operation that has ended can be read."""

log = structlog.get_logger("guanxi.operations")


class Cancelled(Exception):
    """The operation was cancelled while its step was under way: the step is undone."""


@dataclass(frozen=True, slots=True)
class Step:
    """The transaction of one step: what is done in `uow` is kept together with the checkpoint that the step returns."""

    uow: UnitOfWork
    operation: Operation
    now: datetime
    database: Database

    async def report(self, done: int, total: int | None = None) -> None:
        """Show progress before the step is over, in a transaction of its own. Raises `Cancelled`, which the step lets pass."""
        async with self.database.transaction() as uow:
            if not await repository.note_progress(uow, self.operation.id, done, total, self.now):
                raise Cancelled
            await uow.commit()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of operations. `name` is a label of metrics and a word of the API: a closed set, never what a caller chose.

    `step` does a bounded part of the work, from the operation's checkpoint on. What it raises undoes it: a `DomainError` ends the
    operation with its code and texts, another failure of its own is tried again by `patience`. `alone`: one operation at a time.
    A step of more than `deadline` seconds is given up.
    """

    name: str
    step: Callable[[Step], Awaitable[Moved | Ended]]
    alone: bool = False
    patience: Patience = USUAL
    deadline: float = STALLED_SECONDS


def operation_jobs(database: Database, kinds: Sequence[Kind], clock: Clock) -> list[Job]:
    """The jobs that do a service's kinds."""
    return [_job(database, kind, clock) for kind in kinds]


def housekeeping(clock: Clock) -> list[Job]:
    """The jobs that every service has for its operations, whatever its kinds."""

    async def watch(uow: UnitOfWork) -> int:
        await _watch(uow, clock.now())
        return 0

    async def purge(uow: UnitOfWork) -> int:
        return await repository.purge(uow, clock.now() - KEPT)

    return [Job("watch-operations", WATCH_INTERVAL, watch), Job("purge-operations", PURGE_INTERVAL, purge)]


def _job(database: Database, kind: Kind, clock: Clock) -> Job:
    async def work(uow: UnitOfWork) -> int:
        return int(await do_next_step(uow, database, kind, clock.now()))

    return Job(f"do-{kind.name}", INTERVAL, work, deadline=kind.deadline)


async def do_next_step(uow: UnitOfWork, database: Database, kind: Kind, now: datetime) -> bool:
    """Do a step of the kind's next operation in this transaction; False if none waits, or each has its worker.

    The first step of an operation is that it is under way. Raises what is everybody's failure, with nothing done or noted.
    """
    operation = await repository.take(uow, kind.name, now, alone=kind.alone)
    if operation is None:
        return False
    if operation.state == "queued":
        await repository.begin(uow, operation.id, now)
        return True
    try:
        async with uow.savepoint():
            await _do(Step(uow, operation, now, database), kind)
    except Cancelled:
        log.info("operation_cancelled", operation=str(operation.id), kind=kind.name)
    except DomainError as refusal:
        await _fail(uow, operation, Failure.of(refusal), now)
    except Exception as error:
        if whose(error) is Whose.EVERYBODY:
            raise
        await _note(uow, operation, error, kind.patience, now)
    return True


async def _do(step: Step, kind: Kind) -> None:
    outcome = await kind.step(step)
    if isinstance(outcome, Moved):
        kept = await repository.keep_move(step.uow, step.operation, outcome, step.now)
    else:
        kept = await repository.keep_end(step.uow, step.operation, outcome, step.now)
        count_ended(step.uow, kind.name, "succeeded")
    if not kept:
        raise Cancelled


async def _note(uow: UnitOfWork, operation: Operation, error: Exception, patience: Patience, now: datetime) -> None:
    attempts = operation.attempts + 1
    log.warning(
        "operation_step_failed", operation=str(operation.id), kind=operation.kind, attempts=attempts, error=describe(error)
    )
    retry_at = patience.retry_at(attempts, now)
    if retry_at is None:
        await _fail(uow, operation, Failure.after(attempts, describe(error)), now)
    else:
        await repository.postpone(uow, operation.id, attempts, retry_at)


async def _fail(uow: UnitOfWork, operation: Operation, failure: Failure, now: datetime) -> None:
    if await repository.keep_failure(uow, operation.id, failure, now):
        count_ended(uow, operation.kind, "failed")


async def _watch(uow: UnitOfWork, now: datetime) -> None:
    """Tell Prometheus how long operations have not moved."""
    seconds = await repository.standing(uow, now)

    async def tell() -> None:
        OPERATION_STANDING.clear()
        for kind, standing in seconds.items():
            OPERATION_STANDING.labels(kind).set(standing)

    uow.after_commit(tell)
