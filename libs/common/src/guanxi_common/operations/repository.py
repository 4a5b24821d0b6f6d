"""Operations in the database. A caller's scope is a mandatory argument of what callers ask for; workers see all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.dialects.postgresql import insert

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.http.pagination import after
from guanxi_common.operations.policy import OPEN, Ended, Failure, Moved, RowError, State, kept_errors, sees_all
from guanxi_common.operations.tables import OperationErrorRow, OperationRow
from guanxi_common.security.principal import RowScope

_operations: Final = table_of(OperationRow)
_errors: Final = table_of(OperationErrorRow)

_CANDIDATES: Final = 20
"""Operations of a kind that are tried for their lock; of more that are locked, each has its worker."""

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('operation ' || $1, 0))"

_STANDING: Final = """
SELECT kind, extract(epoch FROM $1 - coalesce(min(moved_at) FILTER (WHERE state = 'running'), min(moved_at)))::float8
FROM operation WHERE state IN ('queued', 'running') GROUP BY kind
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """See `OperationRow`."""

    id: UUID
    kind: str
    parameters: Mapping[str, Any]
    requested_by: str
    requested_at: datetime
    moved_at: datetime
    state: State = "queued"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stage: str | None = None
    rows_done: int = 0
    rows_total: int | None = None
    rows_failed: int = 0
    cancellable: bool = True
    checkpoint: Mapping[str, Any] | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    failure_code: str | None = None
    failure_en: str | None = None
    failure_zh: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and over which rows the permission holds."""

    scope: RowScope
    actor: str

    def sees(self) -> ColumnElement[bool]:
        """The condition on the operations that the caller may see."""
        return true() if sees_all(self.scope) else _operations.c.requested_by == self.actor


@dataclass(frozen=True, slots=True)
class NumberedError:
    """A row that failed; see `OperationErrorRow`."""

    number: int
    item: str
    code: str
    detail: Text


async def insert_operation(uow: UnitOfWork, operation: Operation, start_key: str | None) -> Operation:
    """Keep a new operation; where its kind was started with the key before, return that one."""
    values = {**values_of(operation), "start_key": start_key}
    known = (
        insert(_operations)
        .values(values)
        .on_conflict_do_nothing(index_elements=["kind", "start_key"], index_where=_operations.c.start_key.is_not(None))
    )
    if (await uow.execute(known.returning(_operations.c.id))).first():
        return operation
    same = select(_operations).where(_operations.c.kind == operation.kind, _operations.c.start_key == start_key)
    return read_as(Operation, (await uow.execute(same)).mappings().one())


async def read_operation(uow: UnitOfWork, caller: Caller, operation_id: UUID) -> Operation | None:
    row = (await uow.execute(select(_operations).where(_operations.c.id == operation_id, caller.sees()))).mappings().first()
    return read_as(Operation, row) if row else None


async def list_operations(
    uow: UnitOfWork, caller: Caller, *, state: State | None, kind: str | None, position: Sequence[Any] | None, limit: int
) -> list[Operation]:
    """The latest first."""
    order = (_operations.c.requested_at, _operations.c.id)
    statement = select(_operations).where(caller.sees(), after(order, position, descending=True))
    if state is not None:
        statement = statement.where(_operations.c.state == state)
    if kind is not None:
        statement = statement.where(_operations.c.kind == kind)
    rows = await uow.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [read_as(Operation, row) for row in rows.mappings()]


async def list_errors(uow: UnitOfWork, operation_id: UUID, position: Sequence[Any] | None, limit: int) -> list[NumberedError]:
    """In the order in which the rows failed. Whether the caller may see the operation was asked before."""
    order = (_errors.c.number,)
    statement = select(_errors).where(_errors.c.operation_id == operation_id, after(order, position))
    rows = (await uow.execute(statement.order_by(*order).limit(limit))).mappings()
    return [NumberedError(row["number"], row["item"], row["code"], Text(row["detail_en"], row["detail_zh"])) for row in rows]


async def cancel_operation(uow: UnitOfWork, caller: Caller, operation_id: UUID, now: datetime) -> bool:
    """False where the operation has ended, only completes, or is not the caller's."""
    mine = (_is_open(operation_id), _operations.c.cancellable, caller.sees())
    change = update(_operations).where(*mine).values(state="cancelled", finished_at=now, retry_at=None)
    return bool((await uow.execute(change)).rowcount)


async def retry_operation(uow: UnitOfWork, caller: Caller, operation_id: UUID, now: datetime) -> bool:
    """Queue a failed operation again, from its checkpoint; False where it has not failed, or is not the caller's."""
    mine = (_operations.c.id == operation_id, _operations.c.state == "failed", caller.sees())
    fresh = {"state": "queued", "attempts": 0, "retry_at": None, "finished_at": None, "moved_at": now}
    anew = {"failure_code": None, "failure_en": None, "failure_zh": None}
    return bool((await uow.execute(update(_operations).where(*mine).values(fresh | anew))).rowcount)


async def take(uow: UnitOfWork, kind: str, now: datetime, *, alone: bool) -> Operation | None:
    """The operation of the kind that has waited longest for its next step, locked to the end of the transaction.

    `alone`: to the end of the transaction nobody takes another one of the kind, and the one under way comes before those that wait.
    """
    if alone and not await uow.driver.fetchval(_LOCK, kind):
        return None
    order = (_operations.c.moved_at, _operations.c.id)
    waiting = select(_operations.c.id, _operations.c.retry_at).where(_operations.c.kind == kind, _operations.c.state.in_(OPEN))
    if alone:
        first = waiting.order_by((_operations.c.state == "running").desc(), _operations.c.requested_at, _operations.c.id).limit(1)
    else:
        due = _operations.c.retry_at.is_(None) | (_operations.c.retry_at <= now)
        first = waiting.where(due).order_by(*order).limit(_CANDIDATES)
    for candidate in (await uow.execute(first)).mappings():
        if candidate["retry_at"] is not None and candidate["retry_at"] > now:
            continue
        if alone or await uow.driver.fetchval(_LOCK, str(candidate["id"])):
            # Read under the lock: the step before may have ended meanwhile.
            row = (await uow.execute(select(_operations).where(_is_open(candidate["id"])))).mappings().first()
            if row is not None:
                return read_as(Operation, row)
    return None


async def begin(uow: UnitOfWork, operation_id: UUID, now: datetime) -> None:
    """The operation is under way from now on, unless it was cancelled."""
    await uow.execute(update(_operations).where(_is_open(operation_id)).values(state="running", started_at=now, moved_at=now))


async def note_progress(uow: UnitOfWork, operation_id: UUID, done: int, total: int | None, now: datetime) -> bool:
    """Show how far the step under way is; False where the operation was cancelled."""
    progress = update(_operations).where(_is_open(operation_id)).values(rows_done=done, rows_total=total, moved_at=now)
    return bool((await uow.execute(progress)).rowcount)


async def keep_move(uow: UnitOfWork, operation: Operation, moved: Moved, now: datetime) -> bool:
    """Keep the checkpoint with the step's effects; False where the operation was cancelled meanwhile."""
    values = {
        "checkpoint": dict(moved.checkpoint),
        "stage": moved.stage,
        "rows_done": moved.done,
        "rows_total": moved.total,
        "cancellable": moved.cancellable,
    }
    return await _keep(uow, operation, values, moved.errors, now)


async def keep_end(uow: UnitOfWork, operation: Operation, ended: Ended, now: datetime) -> bool:
    """End the operation with the step's effects; False where it was cancelled meanwhile."""
    values: dict[str, Any] = {"state": "succeeded", "result": dict(ended.result), "finished_at": now}
    if ended.done is not None:
        values["rows_done"] = ended.done
    return await _keep(uow, operation, values, ended.errors, now)


async def keep_failure(uow: UnitOfWork, operation_id: UUID, failure: Failure, now: datetime) -> bool:
    """End the operation as failed; its checkpoint stays. False where it was cancelled meanwhile."""
    reason = {"failure_code": failure.code, "failure_en": failure.reason.en, "failure_zh": failure.reason.zh}
    ended = {"state": "failed", "finished_at": now, "retry_at": None, **reason}
    return bool((await uow.execute(update(_operations).where(_is_open(operation_id)).values(ended))).rowcount)


async def postpone(uow: UnitOfWork, operation_id: UUID, attempts: int, retry_at: datetime) -> None:
    """The step has failed; it is tried again at `retry_at`."""
    await uow.execute(update(_operations).where(_is_open(operation_id)).values(attempts=attempts, retry_at=retry_at))


async def purge(uow: UnitOfWork, before: datetime, limit: int = 1_000) -> int:
    """Delete operations that ended before, with their errors; returns how many."""
    outcome = await uow.driver.execute(
        "DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE finished_at < $1 ORDER BY id LIMIT $2)", before, limit
    )
    return int(outcome.rsplit(" ", 1)[1])


async def standing(uow: UnitOfWork, now: datetime) -> dict[str, float]:
    """Seconds since the last move of the kind's operation that has waited longest: of those under way, else of those queued."""
    return {row[0]: row[1] for row in await uow.driver.fetch(_STANDING, now)}


async def _keep(
    uow: UnitOfWork, operation: Operation, values: Mapping[str, Any], errors: Sequence[RowError], now: datetime
) -> bool:
    counted = {"rows_failed": operation.rows_failed + len(errors), "moved_at": now, "attempts": 0, "retry_at": None}
    change = update(_operations).where(_is_open(operation.id)).values({**values, **counted})
    if not (await uow.execute(change)).rowcount:
        return False
    kept = kept_errors(operation.rows_failed, errors)
    rows = [
        (operation.id, operation.rows_failed + at, error.item, error.code, error.detail.en, error.detail.zh)
        for at, error in enumerate(kept, start=1)
    ]
    await uow.driver.executemany("INSERT INTO operation_error VALUES ($1, $2, $3, $4, $5, $6)", rows)
    return True


def _is_open(operation_id: UUID) -> ColumnElement[bool]:
    return (_operations.c.id == operation_id) & _operations.c.state.in_(OPEN)
