"""Open tasks, end them on evidence, and count the breaches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.security.directory.responsibility import read_escalations
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.work import Work

from engagement_svc.rules import Rules
from engagement_svc.tasks import following, policy, repository
from engagement_svc.tasks.errors import (
    CannotAnswer,
    NotAnAssistant,
    NotDelegable,
    NotSnoozable,
    NotTheCustomersTask,
    SnoozedTooLong,
    TaskEnded,
)
from engagement_svc.tasks.events import TaskBreached, TaskCancelled, TaskCompleted, TaskOpened, TaskReopened
from engagement_svc.tasks.policy import Contact, Ended, Evidence, Misfit, NotSnoozed, Origin
from engagement_svc.tasks.repository import Task

BREACH_BATCH = SHOW_BATCH = 500
GRACE = timedelta(days=1)
"""How long, counted on business days, a task that was opened again is not breached."""
SYSTEM = "system"
"""What ends a task where neither evidence nor a member of staff does: the clock."""


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What asks for a task. `origin` makes it unique; `due_at` is for types whose clock is `on_date`; `caused_by` is the event, if
    one asks. Who asks may say how urgent it is (`priority`) and how many hours the clock runs (`within`); else its type does."""

    customer_id: UUID
    task_type: str
    origin: Origin
    reason_code: str
    reason: Text
    evidence: Mapping[str, Any]
    priority: int | None = None
    within: timedelta | None = None
    due_at: datetime | None = None
    caused_by: Envelope | None = None


async def open_task(work: Work, rules: Rules, request: TaskRequest) -> Task | None:
    """Open the task that `request` asks for; None where its origin has opened one before."""
    task_type = rules.standards.task_types[request.task_type]
    deadline = policy.due_time(task_type, work.now, rules.calendar, within=request.within, on=request.due_at)
    priority = request.priority or task_type.priority
    owner_id, outlet_id = (await following.responsible_for(work.uow, [request.customer_id], work.now)).get(
        request.customer_id, (None, None)
    )
    task = Task(
        id=new_id(),
        customer_id=request.customer_id,
        subject_type=task_type.subject,
        subject_id=request.customer_id,
        task_type=task_type.name,
        origin=str(request.origin),
        origin_kind=request.origin.kind,
        origin_id=request.origin.id,
        reason_code=request.reason_code,
        reason_en=request.reason.en,
        reason_zh=request.reason.zh,
        evidence=request.evidence,
        priority=priority,
        rank_key=policy.rank_key(priority, deadline.due_at),
        owner_id=owner_id,
        outlet_id=outlet_id,
        opened_at=work.now,
        due_at=deadline.due_at,
        zone=deadline.zone,
        calendar_version=deadline.calendar_version,
        due_provisional=deadline.provisional,
        standards_version=rules.standards.version,
    )
    if not await repository.insert_task(work.uow, task):
        return None
    opened = TaskOpened(
        task_id=task.id, customer_id=task.customer_id, task_type=task.task_type, origin=task.origin, due_at=task.due_at
    )
    await outbox.append(work.uow, opened, caused_by=request.caused_by)
    return task


async def end_tasks(
    work: Work, rules: Rules, customer_id: UUID, evidence: Evidence, *, named: Sequence[UUID] | None = None
) -> list[Task]:
    """End the customer's open tasks that `evidence` ends, of the `named` ones if any are, and return them.

    A named task that has ended meanwhile stays as it is, and an attempt that reached nobody ends none: what happened is recorded in any
    case. Raises `NotTheCustomersTask`, and `CannotAnswer` for an open task that this evidence can never end.
    """
    if named is not None:
        await _demand_of_customer(work, customer_id, named)
    candidates = await repository.lock_open_tasks(work.uow, work.scope, customer_id, work.now, task_ids=named)
    misfits = _misfits(rules, candidates, evidence, named)
    _refuse(misfits, named)
    ended = [task for task in candidates if misfits[task.id] is None]
    await _complete(work, ended, evidence)
    return ended


async def _demand_of_customer(work: Work, customer_id: UUID, named: Sequence[UUID]) -> None:
    known = await repository.tasks_among(work.uow, customer_id, named)
    if unknown := [place for place, task_id in enumerate(named) if task_id not in known]:
        raise NotTheCustomersTask(unknown)


def _misfits(rules: Rules, tasks: Sequence[Task], evidence: Evidence, named: Sequence[UUID] | None) -> dict[UUID, Misfit | None]:
    """Why the evidence does not end each of the tasks; if some are named, it ends no other."""
    kinds = rules.standards.task_types
    return {
        task.id: Misfit.NOT_NAMED
        if named is not None and task.id not in named
        else policy.misfit_of(kinds[task.task_type], task, evidence, named=named is not None)
        for task in tasks
    }


def _refuse(misfits: Mapping[UUID, Misfit | None], named: Sequence[UUID] | None) -> None:
    refused = {
        place: why for place, task_id in enumerate(named or ()) if (why := misfits.get(task_id)) and why is not Misfit.NOT_REACHED
    }
    if refused:
        raise CannotAnswer(refused)


async def _complete(work: Work, tasks: Sequence[Task], evidence: Evidence) -> None:
    if tasks:
        await repository.complete_tasks(work.uow, [task.id for task in tasks], work.now, evidence.name)
        await outbox.append(work.uow, *(_completed(task, evidence) for task in tasks))


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """What a corrected contact makes of the tasks: opened again, still ended by it, ended by it only now."""

    reopened: list[Task]
    kept: list[Task]
    ended: list[Task]


async def reconsider(work: Work, rules: Rules, evidence: Contact, *, named: Sequence[UUID] | None = None) -> Reconsidered:
    """Judge the customer's tasks by a contact that was corrected, as if it had been recorded so: those that it had ended and ends no
    more are open again. Raises as `end_tasks`."""
    if named is not None:
        await _demand_of_customer(work, evidence.customer_id, named)
    found = await repository.lock_of_contact(work.uow, evidence.customer_id, evidence.name)
    misfits = _misfits(rules, found, evidence, named)
    _refuse(misfits, named)
    ended_before = [task for task in found if task.state == "completed"]
    reopened = [task for task in ended_before if misfits[task.id] is not None]
    kept = [task for task in ended_before if misfits[task.id] is None]
    ended = [task for task in found if task.state == "open" and misfits[task.id] is None]
    if reopened:
        await _reopen(work, rules, reopened, evidence)
    await _complete(work, ended, evidence)
    return Reconsidered(reopened, kept, ended)


async def _reopen(work: Work, rules: Rules, tasks: Sequence[Task], evidence: Contact) -> None:
    grace_until = rules.calendar.deadline(work.now, GRACE).due_at
    await repository.reopen(work.uow, [task.id for task in tasks], work.now, grace_until)
    await following.follow_the_book_of(work.uow, work.now, {evidence.customer_id})
    await outbox.append(
        work.uow,
        *(
            TaskReopened(
                task_id=task.id,
                customer_id=task.customer_id,
                task_type=task.task_type,
                due_at=task.due_at,
                grace_until=grace_until,
                corrected=evidence.name,
            )
            for task in tasks
        ),
    )


async def cancel_tasks(uow: UnitOfWork, task_ids: Sequence[UUID], because: Ended, by: str, now: datetime) -> None:
    """Take tasks off the list without evidence: their ground is gone, or they were offers. What has ended stays as it is."""
    cancelled = await repository.cancel_tasks(uow, task_ids, now, because, by)
    await outbox.append(
        uow,
        *(
            TaskCancelled(task_id=task_id, customer_id=customer_id, task_type=task_type, ended_because=because, ended_by=by)
            for task_id, customer_id, task_type in cancelled
        ),
    )


async def snooze_task(work: Work, rules: Rules, task_id: UUID, until: datetime | None) -> Task:
    """Put the task off until then; None: it is on the list again. Its clock runs on. Raises `NotFound` out of scope, `TaskEnded`,
    `NotSnoozable`, `SnoozedTooLong`."""
    task = await _lock_open(work, task_id)
    if until is not None and (
        why := policy.why_not_snoozed(rules.standards.task_types[task.task_type], task.due_at, until, work.now)
    ):
        raise NotSnoozable if why is NotSnoozed.KIND else SnoozedTooLong(why)
    await repository.arrange(work.uow, task.id, visible_from=until, assignee_id=task.assignee_id)
    return replace(task, visible_from=until)


async def delegate_task(work: Work, rules: Rules, task_id: UUID, to: UUID | None) -> Task:
    """Hand the task to an assistant for the customer; None: whoever is responsible works it again. The responsibility stays.

    Raises `NotFound` out of scope, `TaskEnded`, `NotDelegable`, `NotAnAssistant`.
    """
    task = await _lock_open(work, task_id)
    if to is not None and not rules.standards.task_types[task.task_type].delegated_to:
        raise NotDelegable
    if to is not None and to not in await repository.assistants_of(work.uow, task.customer_id, work.now):
        raise NotAnAssistant
    await repository.arrange(work.uow, task.id, visible_from=task.visible_from, assignee_id=to)
    return replace(task, assignee_id=to)


async def _lock_open(work: Work, task_id: UUID) -> Task:
    task = await repository.lock_task(work.uow, work.scope, task_id, work.now)
    if task is None:
        raise NotFound
    if task.state != "open":
        raise TaskEnded(task.ended_because, task.ended_by, task.completed_at)
    return task


async def show_snoozed_tasks(work: Work) -> int:
    """Put back on the list what was put off until now; returns how many. For the job."""
    return await repository.show_again(work.uow, work.now, SHOW_BATCH)


async def end_with_the_erased(uow: UnitOfWork, customer_ids: Collection[UUID], now: datetime) -> None:
    """End the open tasks of customers whom this transaction goes on to erase, so that their end is told too."""
    await cancel_tasks(uow, await repository.open_tasks_of(uow, customer_ids), Ended.ERASED, SYSTEM, now)


async def breach_overdue_tasks(work: Work, patience: Patience = USUAL) -> int:
    """Count each clock that has run out, once, and escalate it to the superior or the lead. Returns how many. A task fails alone."""

    async def take(only: Sequence[UUID] | None) -> list[Task]:
        return await repository.lock_overdue_tasks(work.uow, work.now, BREACH_BATCH, only)

    async def breach(overdue: Sequence[Task]) -> None:
        leads = await read_escalations(work.uow, [(task.owner_id, task.outlet_id) for task in overdue])
        breaches = [(task, leads[task.owner_id, task.outlet_id]) for task in overdue]
        await repository.mark_breached(work.uow, [(task.id, lead) for task, lead in breaches], work.now)
        await outbox.append(work.uow, *(_breached(task, lead) for task, lead in breaches))

    return await work_off(work.uow, repository.BREACHES, take, breach, key=lambda task: task.id, now=work.now, patience=patience)


def _completed(task: Task, evidence: Evidence) -> TaskCompleted:
    return TaskCompleted(
        task_id=task.id,
        customer_id=task.customer_id,
        task_type=task.task_type,
        completed_by=evidence.name,
        in_time=task.breached_at is None and evidence.occurred_at <= task.due_at,
    )


def _breached(task: Task, lead: UUID | None) -> TaskBreached:
    return TaskBreached(
        task_id=task.id, customer_id=task.customer_id, task_type=task.task_type, due_at=task.due_at, escalated_to=lead
    )
