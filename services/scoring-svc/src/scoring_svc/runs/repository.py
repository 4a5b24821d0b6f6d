"""Runs, models and band sets; and `ActiveModels`, what the scorer goes by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from sqlalchemy import ColumnElement, func, insert, select, update

from scoring_svc.runs.tables import ScoreRunRow

_run = table_of(ScoreRunRow)

PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """A book run; see `ScoreRunRow`."""

    id: UUID
    as_of: date
    state: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    stage: str | None = None
    rows_total: int | None = None
    rows_done: int | None = None
    position: UUID | None = None


async def insert_run(uow: UnitOfWork, run: ScoreRun) -> None:
    await uow.execute(insert(_run).values(values_of(run)))


async def read_run(uow: UnitOfWork, run_id: UUID) -> ScoreRun | None:
    row = (await uow.execute(select(_run).where(_run.c.id == run_id))).mappings().first()
    return ScoreRun(**dict(row)) if row else None


async def take_open_run(uow: UnitOfWork) -> ScoreRun | None:
    """The run under way, else the oldest queued one; to the end of the transaction no other worker gets one.

    The row itself is not locked: a run can be cancelled, and its progress written, while a step of it is being done.
    """
    if not await uow.driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('score run', 0))"):
        return None
    open_runs = select(_run).where(_run.c.state.in_(("queued", "running")))
    statement = open_runs.order_by(_run.c.state.desc(), _run.c.requested_at, _run.c.id).limit(1)
    row = (await uow.execute(statement)).mappings().first()
    return ScoreRun(**dict(row)) if row else None


async def begin_stage(uow: UnitOfWork, run_id: UUID, stage: str, total: int | None, now: datetime) -> bool:
    """Whether the run is still to be done; then it is in `stage`, and nobody cancels it before the end of the transaction."""
    values = {"state": "running", "stage": stage, "rows_total": total, "rows_done": 0, "position": None}
    started = {"started_at": func.coalesce(_run.c.started_at, now)}
    return bool((await uow.execute(update(_run).where(_open(run_id)).values(values | started))).rowcount)


async def note_progress(uow: UnitOfWork, run_id: UUID, done: int, total: int) -> bool:
    """Whether the run is still to be done; `done` rows of its stage are."""
    return bool((await uow.execute(update(_run).where(_open(run_id)).values(rows_done=done, rows_total=total))).rowcount)


async def note_refreshed(uow: UnitOfWork, run_id: UUID, done: int, position: UUID) -> None:
    """As `note_progress`; the next chunk begins behind `position`."""
    await uow.execute(update(_run).where(_open(run_id)).values(rows_done=done, position=position))


async def cancel_run(uow: UnitOfWork, run_id: UUID, now: datetime) -> bool:
    """False where the run has ended, or has exchanged the book."""
    before = _open(run_id) & _run.c.stage.is_distinct_from(PUBLISHING)
    return bool((await uow.execute(update(_run).where(before).values(state="cancelled", finished_at=now))).rowcount)


async def keep_result(uow: UnitOfWork, run_id: UUID, result: Mapping[str, Any]) -> None:
    await uow.execute(update(_run).where(_open(run_id)).values(result=dict(result)))


async def finish_run(uow: UnitOfWork, run_id: UUID, state: str, result: Mapping[str, Any], now: datetime) -> None:
    """End a run that is still to be done."""
    await uow.execute(update(_run).where(_open(run_id)).values(state=state, result=dict(result), finished_at=now))


def _open(run_id: UUID) -> ColumnElement[bool]:
    return (_run.c.id == run_id) & _run.c.state.in_(("queued", "running"))
