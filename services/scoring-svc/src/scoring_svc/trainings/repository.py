"""Trainings that were asked for, and what the nightly drift reads. Nothing here belongs to a customer, so there is no row scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import not_set_aside
from sqlalchemy import insert, select, update

from scoring_svc.trainings.tables import ModelTrainingRow

_training = table_of(ModelTrainingRow)


TRAINING_QUEUE = "train"
DRIFT_QUEUE = "measure-drift"
"""The names of the queues for operators."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that was asked for; see `ModelTrainingRow`."""

    id: UUID
    name: str
    request: Mapping[str, Any]
    state: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None


async def insert_training(uow: UnitOfWork, training: Training) -> None:
    await uow.execute(insert(_training).values(values_of(training)))


async def read_training(uow: UnitOfWork, training_id: UUID) -> Training | None:
    row = (await uow.execute(select(_training).where(_training.c.id == training_id))).mappings().first()
    return Training(**dict(row)) if row else None


async def take_queued_training(uow: UnitOfWork, now: datetime) -> Training | None:
    """Lock the oldest training that is to be done; one whose worker was killed is `queued` again with its lock gone."""
    queued = (_training.c.state == "queued", not_set_aside(TRAINING_QUEUE, _training.c.id, now))
    waiting = select(_training).where(*queued).order_by(_training.c.requested_at).limit(1)
    row = (await uow.execute(waiting.with_for_update(skip_locked=True))).mappings().first()
    return Training(**dict(row)) if row else None


async def finish_training(uow: UnitOfWork, training_id: UUID, state: str, result: Mapping[str, Any], now: datetime) -> None:
    change = update(_training).where(_training.c.id == training_id)
    await uow.execute(change.values(state=state, result=dict(result), finished_at=now))


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
