"""Trainings that were asked for, and what the nightly drift reads. Nothing here belongs to a customer, so there is no row scope."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.operations.repository import Caller, Operation, read_operation
from guanxi_common.security.principal import SYSTEM_SCOPE
from sqlalchemy import insert, select

from scoring_svc.trainings.tables import ModelTrainingRow

_training = table_of(ModelTrainingRow)


_EVERYBODY = Caller(SYSTEM_SCOPE, "system:trainings")

DRIFT_QUEUE = "measure-drift"
"""The name of the queue for operators."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that was asked for (`ModelTrainingRow`), and how far its operation is."""

    id: UUID
    name: str
    request: Mapping[str, Any]
    state: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None


async def insert_training(uow: UnitOfWork, training: Training) -> None:
    """What the operation with the training's id is to train."""
    values = {name: value for name, value in values_of(training).items() if name in _training.c}
    await uow.execute(insert(_training).values(values))


async def read_training(uow: UnitOfWork, training_id: UUID) -> Training | None:
    """A training and what became of it, which its operation says; of one that ended before there were operations, its own row."""
    row = (await uow.execute(select(_training).where(_training.c.id == training_id))).mappings().first()
    if row is None:
        return None
    operation = await read_operation(uow, _EVERYBODY, training_id)
    return Training(**row) if operation is None else _told_by(operation, Training(**row))


async def training_of(uow: UnitOfWork, operation: Operation) -> Training:
    """What the operation is to train."""
    row = (await uow.execute(select(_training).where(_training.c.id == operation.id))).mappings().one()
    return _told_by(operation, Training(**row))


def _told_by(operation: Operation, training: Training) -> Training:
    refused = {"model_id": None, "refusal": operation.failure_en} if operation.state == "failed" else None
    return replace(training, state=operation.state, finished_at=operation.finished_at, result=operation.result or refused)


async def begin_drift(uow: UnitOfWork, model_id: UUID, day: date) -> bool:
    """Whether the day's figures are still to be found, and nobody else is at it."""
    mine = await uow.driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('drift ' || $1, 0))", str(model_id))
    done = await uow.driver.fetchval("SELECT 1 FROM model_drift WHERE model_id = $1 AND measured_on = $2", model_id, day)
    return bool(mine) and done is None


async def sample_customers(uow: UnitOfWork, day: date, limit: int) -> list[UUID]:
    """Customers with a score; another sample every day, the same for the same day."""
    rows = await uow.driver.fetch(
        "SELECT customer_id FROM score ORDER BY md5(customer_id::text || $1), customer_id LIMIT $2", day.isoformat(), limit
    )
    return [row[0] for row in rows]


async def compare_with_challenger(uow: UnitOfWork, version: str) -> Mapping[str, Any]:
    """The stored scores that the challenger has also given: how many, the means, and in how many the band differs."""
    row = await uow.driver.fetchrow(
        "SELECT count(*) AS customers, round(avg(value_bp))::int AS mean_bp,"
        " round(avg((detail->'challenger'->>'value_bp')::int))::int AS challenger_mean_bp,"
        " count(*) FILTER (WHERE detail->'challenger'->>'band' <> band) AS band_differs"
        " FROM score WHERE detail->'challenger'->>'model_version' = $1",
        version,
    )
    return {"challenger": version, **dict(row)}
