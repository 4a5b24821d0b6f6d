"""Open tasks, end them on evidence, and count the breaches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.security.directory.responsibility import read_escalations
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import USUAL, Patience, work_off

from engagement_svc.standards import Standards
from engagement_svc.tasks import following, policy, repository
from engagement_svc.tasks.errors import NotTheCustomersTask
from engagement_svc.tasks.events import TaskBreached, TaskCompleted, TaskOpened
from engagement_svc.tasks.policy import Evidence
from engagement_svc.tasks.repository import Task

BREACH_BATCH = 500


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What asks for a task. `origin` makes it unique; `due_at` is for types whose clock is `on_date`; `caused_by` is the event, if
    one asks. Who asks may say how urgent it is (`priority`) and how long the clock runs (`within`); else its type does."""

    customer_id: UUID
    task_type: str
    origin: str
    reason_code: str
    reason: Text
    evidence: Mapping[str, Any]
    priority: int | None = None
    within: timedelta | None = None
    due_at: datetime | None = None
    caused_by: Envelope | None = None


async def open_task(
    uow: UnitOfWork, standards: Standards, calendar: BusinessCalendar, request: TaskRequest, now: datetime
) -> Task | None:
    """Open the task that `request` asks for; None where its origin has opened one before."""
    task_type = standards.task_types[request.task_type]
    deadline = policy.due_time(task_type, now, calendar, request.within)
    due_at = request.due_at or deadline.due_at
    priority = request.priority or task_type.priority
    owner_id, outlet_id = (await following.responsible_for(uow, [request.customer_id], now)).get(
        request.customer_id, (None, None)
    )
    task = Task(
        id=new_id(),
        customer_id=request.customer_id,
        task_type=task_type.name,
        origin=request.origin,
        reason_code=request.reason_code,
        reason_en=request.reason.en,
        reason_zh=request.reason.zh,
        evidence=request.evidence,
        priority=priority,
        rank_key=policy.rank_key(priority, due_at),
        owner_id=owner_id,
        outlet_id=outlet_id,
        opened_at=now,
        due_at=due_at,
        zone=deadline.zone,
        calendar_version=deadline.calendar_version,
        due_provisional=deadline.provisional,
        standards_version=standards.version,
    )
    if not await repository.insert_task(uow, task):
        return None
    opened = TaskOpened(
        task_id=task.id, customer_id=task.customer_id, task_type=task.task_type, origin=task.origin, due_at=task.due_at
    )
    await outbox.append(uow, opened, caused_by=request.caused_by)
    return task


async def end_tasks(
    uow: UnitOfWork,
    scope: RowScope,
    standards: Standards,
    customer_id: UUID,
    evidence: Evidence,
    now: datetime,
    *,
    task_ids: Collection[UUID] | None = None,
) -> list[Task]:
    """End the customer's open tasks that `evidence` ends, of `task_ids` if they are given, and return them.

    A task that was ended before, or that this evidence does not end, stays as it is: what happened is recorded in any case. Raises
    `NotTheCustomersTask`.
    """
    if task_ids is not None and not await repository.are_tasks_of(uow, customer_id, task_ids):
        raise NotTheCustomersTask
    candidates = await repository.lock_open_tasks(uow, scope, customer_id, now, task_ids=task_ids)
    ended = [
        task for task in candidates if policy.ends(standards.task_types[task.task_type], task.origin, task.opened_at, evidence)
    ]
    if not ended:
        return []
    completed_by = f"{evidence.kind}:{evidence.reference}"
    await repository.complete_tasks(uow, [task.id for task in ended], now, completed_by)
    await outbox.append(uow, *(_completed(task, completed_by, evidence.occurred_at) for task in ended))
    return ended


async def breach_overdue_tasks(uow: UnitOfWork, now: datetime, patience: Patience = USUAL) -> int:
    """Count each clock that has run out, once, and escalate it to the superior or the lead. Returns how many. A task fails alone."""

    async def take(only: Sequence[UUID] | None) -> list[Task]:
        return await repository.lock_overdue_tasks(uow, now, BREACH_BATCH, only)

    async def breach(overdue: Sequence[Task]) -> None:
        leads = await read_escalations(uow, [(task.owner_id, task.outlet_id) for task in overdue])
        breaches = [(task, leads[task.owner_id, task.outlet_id]) for task in overdue]
        await repository.mark_breached(uow, [(task.id, lead) for task, lead in breaches], now)
        await outbox.append(uow, *(_breached(task, lead) for task, lead in breaches))

    return await work_off(uow, repository.BREACHES, take, breach, key=lambda task: task.id, now=now, patience=patience)


def _completed(task: Task, completed_by: str, occurred_at: datetime) -> TaskCompleted:
    return TaskCompleted(
        task_id=task.id,
        customer_id=task.customer_id,
        task_type=task.task_type,
        completed_by=completed_by,
        in_time=task.breached_at is None and occurred_at <= task.due_at,
    )


def _breached(task: Task, lead: UUID | None) -> TaskBreached:
    return TaskBreached(
        task_id=task.id, customer_id=task.customer_id, task_type=task.task_type, due_at=task.due_at, escalated_to=lead
    )
