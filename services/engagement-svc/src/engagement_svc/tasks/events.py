"""Facts about tasks."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent


class TaskOpened(DomainEvent, type="guanxi.task.opened.v1", topic="engagement.activities", key="customer_id"):
    task_id: UUID
    customer_id: UUID
    task_type: str
    origin: str
    due_at: datetime


class TaskCompleted(DomainEvent, type="guanxi.task.completed.v1", topic="engagement.activities", key="customer_id"):
    """`completed_by` names the evidence, as `interaction:<id>` or `complaint_resolution:<id>`.

    `in_time`: it happened, and was recorded, before the clock ran out. A contact recorded too late has been counted as a breach.
    """

    task_id: UUID
    customer_id: UUID
    task_type: str
    completed_by: str
    in_time: bool


class TaskCancelled(DomainEvent, type="guanxi.task.cancelled.v1", topic="engagement.activities", key="customer_id"):
    """It left the list without evidence. `ended_because`: withdrawn, declined, expired or erased; `ended_by` as in `TaskRow`."""

    task_id: UUID
    customer_id: UUID
    task_type: str
    ended_because: str
    ended_by: str


class TaskReopened(DomainEvent, type="guanxi.task.reopened.v1", topic="engagement.activities", key="customer_id"):
    """What had ended it was corrected, and ends it no more. `due_at` is that of before; `grace_until`: it is not breached earlier."""

    task_id: UUID
    customer_id: UUID
    task_type: str
    due_at: datetime
    grace_until: datetime
    corrected: str


class TaskBreached(DomainEvent, type="guanxi.task.breached.v1", topic="engagement.activities", key="customer_id"):
    """The clock ran out; told once. `escalated_to` is the lead, None where the directory knows none."""

    task_id: UUID
    customer_id: UUID
    task_type: str
    due_at: datetime
    escalated_to: UUID | None
