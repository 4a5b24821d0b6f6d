"""Runs, models and band sets; and `ActiveModels`, what the scorer goes by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.rfm.policy import RfmBounds
from scoring_svc.runs.tables import LifetimeModelRow, RfmBandSetRow, ScoreRunRow
from scoring_svc.scores.schemas import LifetimeOut

_run = table_of(ScoreRunRow)
_model = table_of(LifetimeModelRow)
_bands = table_of(RfmBandSetRow)

HORIZON_WEEKS = 90 / 7
PUBLISHING = "publishing"
NO_MODEL = LifetimeOut(p_alive_bp=None, expected_acts_90_days=None)


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


@dataclass(frozen=True, slots=True)
class ActiveModels:
    """The active BG/NBD model and the newest quintile bounds of each currency. Immutable."""

    model_id: UUID | None
    predictor: Predictor | None
    rfm_bounds: Mapping[str, RfmBounds]

    @property
    def version(self) -> str:
        return f"bgnbd-{self.model_id or 'none'}"

    def lifetime(self, history: CustomerHistory) -> LifetimeOut:
        """P(alive) and the acts to be expected; nothing without a repeat purchase, where P(alive) = 1 would say nothing."""
        days = list(history.acts)
        if self.predictor is None or len(days) < 2:
            return NO_MODEL
        recency, age = (days[-1] - days[0]).days, (history.as_of - days[0]).days
        alive, expected = self.predictor.alive_and_expected([len(days) - 1], [recency], [age], HORIZON_WEEKS)
        return LifetimeOut(p_alive_bp=int(alive[0] * 10_000), expected_acts_90_days=round(float(expected[0]), 6))


async def read_active_models(uow: UnitOfWork) -> ActiveModels:
    model = (await uow.execute(select(_model.c.id, _model.c.parameters).where(_model.c.state == "active"))).first()
    newest = (
        select(_bands.c.currency, _bands.c.run_id, _bands.c.bounds)
        .ext(distinct_on(_bands.c.currency))
        .order_by(_bands.c.currency, _bands.c.frozen_at.desc(), _bands.c.run_id.desc())
    )
    bounds = {
        row.currency: RfmBounds(
            tuple(row.bounds["recency_days"]),
            tuple(row.bounds["frequency"]),
            tuple(row.bounds["monetary_minor"]),
            f"run-{row.run_id}",
        )
        for row in await uow.execute(newest)
    }
    return ActiveModels(model.id if model else None, Predictor(BgNbd(**model.parameters)) if model else None, bounds)


async def read_models_named(uow: UnitOfWork, model_id: UUID | None, run_id: UUID | None) -> ActiveModels:
    """The models that a stored score names, whether or not they are still active: fits and bands are never changed or deleted."""
    fitted = await uow.execute(select(_model.c.parameters).where(_model.c.id == model_id)) if model_id else None
    frozen = await uow.execute(select(_bands.c.currency, _bands.c.bounds).where(_bands.c.run_id == run_id)) if run_id else ()
    bounds = {
        row.currency: RfmBounds(
            tuple(row.bounds["recency_days"]),
            tuple(row.bounds["frequency"]),
            tuple(row.bounds["monetary_minor"]),
            f"run-{run_id}",
        )
        for row in frozen
    }
    return ActiveModels(model_id, Predictor(BgNbd(**fitted.scalar_one())) if fitted else None, bounds)


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


async def store_model(
    uow: UnitOfWork, model_id: UUID, run: ScoreRun, fitted: Fit[BgNbd] | FitRefused, customers: int, now: datetime
) -> None:
    """Keep a fit, and make it the active one; a refused fit is kept with its reason and changes nothing else."""
    values: dict[str, Any] = {
        "id": model_id,
        "run_id": run.id,
        "as_of": run.as_of,
        "customers": customers,
        "parameters": {},
        "standard_errors": {},
        "log_likelihood": None,
        "refusal": None,
        "refusal_en": None,
        "refusal_zh": None,
        "fitted_at": now,
    }
    if isinstance(fitted, FitRefused):
        refusal = {"refusal": fitted.reason, "refusal_en": fitted.text_en, "refusal_zh": fitted.text_zh}
        await uow.execute(insert(_model).values({**values, **refusal, "state": "refused"}))
        return
    await uow.execute(update(_model).where(_model.c.state == "active").values(state="retired"))
    found = {
        "parameters": asdict(fitted.parameters),
        "standard_errors": asdict(fitted.standard_errors),
        "log_likelihood": fitted.log_likelihood,
    }
    await uow.execute(insert(_model).values({**values, **found, "state": "active"}))


async def list_models(uow: UnitOfWork, *, past: tuple[datetime, UUID] | None, limit: int) -> Sequence[Mapping[Any, Any]]:
    """Fits, the latest first."""
    order = (_model.c.fitted_at, _model.c.id)
    statement = (
        select(_model).where(after(order, past, descending=True)).order_by(*(column.desc() for column in order)).limit(limit)
    )
    return (await uow.execute(statement)).mappings().all()


async def freeze_bands(uow: UnitOfWork, run: ScoreRun, window_days: int, bounds: Mapping[str, RfmBounds], now: datetime) -> None:
    for currency, found in bounds.items():
        await uow.execute(
            insert(_bands).values(
                run_id=run.id,
                currency=currency,
                as_of=run.as_of,
                window_days=window_days,
                bounds=json.loads(
                    json.dumps(
                        {
                            "recency_days": found.recency_days,
                            "frequency": found.frequency,
                            "monetary_minor": found.monetary_minor,
                        }
                    )
                ),
                frozen_at=now,
            )
        )


async def mark_book_dirty(uow: UnitOfWork, today: date, now: datetime) -> None:
    """Have every customer scored again, by the new model and bands."""
    await uow.driver.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled) SELECT customer_id, $2, $1, false FROM score"
        " ORDER BY customer_id"
        " ON CONFLICT DO NOTHING",
        today,
        now,
    )
