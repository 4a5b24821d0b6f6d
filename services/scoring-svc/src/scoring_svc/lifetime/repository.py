"""Fits of the lifetime model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from sqlalchemy import insert, select, update

from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.tables import LifetimeModelRow

_model = table_of(LifetimeModelRow)

HORIZON_WEEKS = 90 / 7
"""How far ahead acts are foretold."""


@dataclass(frozen=True, slots=True)
class FittedOn:
    """The book that a fit rests on: of which run, on which business date, of how many customers."""

    run_id: UUID
    as_of: date
    customers: int


async def store_model(
    uow: UnitOfWork, model_id: UUID, fitted_on: FittedOn, fitted: Fit[BgNbd] | FitRefused, now: datetime
) -> None:
    """Keep a fit, and make it the active one; a refused fit is kept with its reason and changes nothing else."""
    values: dict[str, Any] = {
        "id": model_id,
        "run_id": fitted_on.run_id,
        "as_of": fitted_on.as_of,
        "customers": fitted_on.customers,
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


async def read_active(uow: UnitOfWork) -> tuple[UUID, Predictor] | None:
    """The fit in use, with its id."""
    row = (await uow.execute(select(_model.c.id, _model.c.parameters).where(_model.c.state == "active"))).first()
    return (row.id, Predictor(BgNbd(**row.parameters))) if row else None


async def read_predictor(uow: UnitOfWork, model_id: UUID) -> Predictor:
    """A fit, whether or not it is still in use: fits are never changed or deleted. Raises `NoResultFound`."""
    row = await uow.execute(select(_model.c.parameters).where(_model.c.id == model_id))
    return Predictor(BgNbd(**row.scalar_one()))
