"""Plan and review tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import not_set_aside
from sqlalchemy import insert, select, update

from engagement_svc.plans.tables import PlanReviewRow, PlanRow

_plan = table_of(PlanRow)
_review = table_of(PlanReviewRow)

QUEUE = "open-plan-review"
"""The name of the queue for operators."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan; see `PlanRow`."""

    id: UUID
    customer_id: UUID
    life_stage: str
    objective: str
    goals: list[dict[str, Any]]
    agreed_on: date
    agreement_method: str
    review_every_months: int
    next_review_on: date | None
    review_task_opened: bool
    author_id: UUID
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlanReview:
    """A review; see `PlanReviewRow`."""

    id: UUID
    plan_id: UUID
    customer_id: UUID
    reviewed_at: datetime
    reviewed_on: date
    changes: str
    portfolio_against_plan: str
    advice: str
    outcome: str
    next_review_on: date | None
    reviewer_id: UUID
    recorded_at: datetime


def _plan_of(row: Mapping[Any, Any]) -> Plan:
    return read_as(Plan, row)


async def insert_plan(uow: UnitOfWork, plan: Plan) -> None:
    """Store a plan for a customer that the service has shown to be in scope."""
    values = values_of(plan)
    await uow.execute(insert(_plan).values(values))


async def read_plan(uow: UnitOfWork, scope: RowScope, plan_id: UUID, now: datetime, *, lock: bool = False) -> Plan | None:
    statement = select(_plan).where(_plan.c.id == plan_id, visible_customers(scope, _plan.c.customer_id, now))
    if lock:
        statement = statement.with_for_update()
    row = (await uow.execute(statement)).mappings().first()
    return _plan_of(row) if row else None


async def insert_review(uow: UnitOfWork, review: PlanReview) -> None:
    """Store a review and move the plan on to the next one."""
    values = values_of(review)
    await uow.execute(insert(_review).values(values))
    await uow.execute(
        update(_plan)
        .where(_plan.c.id == review.plan_id)
        .values(next_review_on=review.next_review_on, review_task_opened=False, version=_plan.c.version + 1)
    )


async def lock_plans_to_review(
    uow: UnitOfWork, today: date, limit: int, now: datetime, only: Sequence[UUID] | None = None
) -> list[Plan]:
    """Lock plans, of `only`, whose review is due and for which no task stands open. For the job."""
    of_which = not_set_aside(QUEUE, _plan.c.id, now) if only is None else _plan.c.id.in_(only)
    statement = (
        select(_plan)
        .where(_plan.c.next_review_on <= today, _plan.c.review_task_opened.is_(False), of_which)
        .order_by(_plan.c.next_review_on)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_plan_of(row) for row in (await uow.execute(statement)).mappings()]


async def mark_review_tasks_opened(uow: UnitOfWork, plan_ids: list[UUID]) -> None:
    await uow.execute(update(_plan).where(_plan.c.id.in_(plan_ids)).values(review_task_opened=True))
