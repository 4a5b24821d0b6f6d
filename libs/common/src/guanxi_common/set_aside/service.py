"""Work a queue off so that an item fails alone."""

import traceback
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Final, TypeVar

import structlog

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.failures import describe, reason_of
from guanxi_common.set_aside import policy, repository
from guanxi_common.set_aside.policy import USUAL, Patience, Whose
from guanxi_common.set_aside.repository import Failure
from guanxi_common.telemetry.job_metrics import ITEM_FAILURES, ITEMS_SET_ASIDE

log = structlog.get_logger("guanxi.jobs")

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

PASS_SECONDS: Final = 60.0
"""So long one transaction goes on item by item; what it has not come to stays on the queue."""
_OURS: Final = ("guanxi_common/", "_svc/")


async def work_off(
    uow: UnitOfWork,
    queue: str,
    take: Callable[[Sequence[K] | None], Awaitable[Sequence[T]]],
    work: Callable[[Sequence[T]], Awaitable[object]],
    *,
    key: Callable[[T], K],
    now: datetime,
    patience: Patience = USUAL,
) -> int:
    """Do the next batch of a queue in the job's transaction; returns how many items it was about, done or failed.

    `take(None)` locks and returns the next items, without those that `not_set_aside` passes over; `take(keys)` locks and returns those of
    the items that still wait. `work` does them, all or none. `queue` is the queue's name for operators, `key` an item's. Raises what is
    everybody's failure, with nothing done or noted.
    """
    taken: Sequence[T] = ()
    try:
        async with uow.savepoint():
            taken = await take(None)
            if taken:
                await work(taken)
                await repository.forget(uow, queue, [str(key(item)) for item in taken])
        return len(taken)
    except Exception as error:
        if not taken or policy.whose(error) is Whose.EVERYBODY:
            raise
        log.warning("queue_goes_one_by_one", queue=queue, items=len(taken), error=describe(error))
        failed_as_a_batch = error
    keys = [key(item) for item in taken]

    async def work_one(only: Sequence[K]) -> None:
        if again := await take(only):
            await work(again)
            await repository.forget(uow, queue, [str(one) for one in only])

    if len(keys) == 1:
        failures, done = {keys[0]: failed_as_a_batch}, 0
    else:
        failures, done = await _one_by_one(uow, keys, work_one)
    counted = policy.counting(failures, done=done)
    for one, failure in failures.items():
        await _note(uow, (queue, str(one)), failure, now, patience, counted=one in counted)
    return len(keys)


async def try_each(
    uow: UnitOfWork, items: Sequence[K], work: Callable[[Sequence[K]], Awaitable[object]]
) -> Mapping[K, Exception]:
    """Do all items at once, or, where that fails, one by one; returns those that fail alone. For work that is no queue.

    Raises what is everybody's failure, and the time-out of a whole batch.
    """
    try:
        async with uow.savepoint():
            await work(items)
    except Exception as error:
        if policy.whose(error) is Whose.EVERYBODY:
            raise
    else:
        return {}
    failures, done = await _one_by_one(uow, items, work)
    if failures and not policy.counting(failures, done=done):
        raise next(iter(failures.values()))
    return failures


async def note_failed(
    uow: UnitOfWork, queue: str, failures: Mapping[K, Exception], now: datetime, patience: Patience = USUAL
) -> None:
    """Put what failed outside of a queue on this one, whose items are noted failures alone, to be tried again."""
    for one, failure in failures.items():
        await _note(uow, (queue, str(one)), failure, now, patience, counted=True)


async def watch(uow: UnitOfWork, now: datetime) -> int:
    """Tell Prometheus how many items are set aside, and forget those that have left their queues. For a job of every service."""
    forgotten = await repository.forget_departed(uow, now)
    counts = await repository.count_set_aside(uow)

    async def tell() -> None:
        ITEMS_SET_ASIDE.clear()
        for queue, count in counts.items():
            ITEMS_SET_ASIDE.labels(queue).set(count)

    uow.after_commit(tell)
    return forgotten


async def _one_by_one(
    uow: UnitOfWork, keys: Sequence[K], work: Callable[[Sequence[K]], Awaitable[object]]
) -> tuple[dict[K, Exception], int]:
    """The items that fail alone, and how many did not; those that the time of a pass did not reach are neither."""
    failures: dict[K, Exception] = {}
    done, until = 0, monotonic() + PASS_SECONDS
    for one in keys:
        if monotonic() > until:
            break
        try:
            async with uow.savepoint():
                await work([one])
        except Exception as error:
            if policy.whose(error) is Whose.EVERYBODY:
                raise
            failures[one] = error
        else:
            done += 1
    return failures, done


async def _note(
    uow: UnitOfWork, named: tuple[str, str], error: Exception, now: datetime, patience: Patience, *, counted: bool
) -> None:
    """Keep the failure of the item that queue and id name."""
    queue, item = named
    attempts = await repository.attempts_of(uow, queue, item) + int(counted)
    retry_at = patience.retry_at(attempts, now)
    said = f"{describe(error)} at {_place_of(error)}".replace("\0", "")[:500]
    reason = reason_of(error).replace("\0", "")[:100]
    await repository.note(uow, Failure(queue, item[:200], attempts, reason, said, retry_at), now)
    outcome = "retried" if retry_at else "set_aside"

    async def tell() -> None:
        ITEM_FAILURES.labels(queue, outcome).inc()
        log.warning("item_failed", queue=queue, item=item, attempts=attempts, outcome=outcome, error=said)

    uow.after_commit(tell)


def _place_of(error: Exception) -> str:
    """File and line of ours from which the error came: where an operator begins to look."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in _OURS)]
    if not ours:
        return "an unknown place"
    return f"{ours[-1].filename.rsplit('/src/', 1)[-1].rsplit('/site-packages/', 1)[-1]}:{ours[-1].lineno}"
