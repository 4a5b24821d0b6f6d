"""A task as lists show it, and how it is arranged. msgspec: the worklist is a hot path (see `docs/benchmarks.md`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from guanxi_common.http.bodies import Answer, Body
from guanxi_common.instants import Instant


class Bilingual(msgspec.Struct):
    en: str
    zh: str


class QuietHours(msgspec.Struct, rename={"from_": "from"}):
    """Local times; past midnight where `to` is not later than `from`."""

    from_: str
    to: str


class EndsBy(msgspec.Struct):
    """The evidence that ends a task; nothing else does. `rule`: `conversation` (a contact in which both sides spoke), `touch` (that, or
    what we have sent), or the deed by its name. `purposes`: contacts that end it without naming it; `if_named`: those that must."""

    rule: str
    purposes: tuple[str, ...]
    if_named: tuple[str, ...]


class TaskOut(msgspec.Struct):
    """One task. `warns_at`: from then on it is shown as nearly due; `breached_at`: its clock has run out. `assignee_id`: the assistant to
    whom it is handed; `visible_from`: until then it is put off; `reopened_at`: the contact that had ended it was corrected.
    `ended_because`: answered, withdrawn, declined or expired; `ended_by`: the evidence, or who ended it. In the `quiet_hours` the
    customer is contacted only in the customer's own matters."""

    id: UUID
    customer_id: UUID
    customer_name: str | None
    quiet_hours: QuietHours | None
    task_type: str
    title: Bilingual
    origin_kind: str | None
    origin_id: UUID | None
    reason_code: str
    reason: Bilingual
    evidence: dict[str, Any]
    priority: int
    state: str
    opened_at: datetime
    due_at: datetime
    warns_at: datetime
    due_provisional: bool
    ends_by: EndsBy
    owner_id: UUID | None
    assignee_id: UUID | None
    visible_from: datetime | None
    reopened_at: datetime | None
    breached_at: datetime | None
    escalated_to: UUID | None
    completed_at: datetime | None
    completed_by: str | None
    ended_because: str | None
    ended_by: str | None


class Worklist(msgspec.Struct):
    data: list[TaskOut]
    next_cursor: str | None


class Snooze(Body):
    """Until when the task is put off, at the latest until its `warns_at`; null: it is on the list again."""

    until: Instant | None


class Delegation(Body):
    """The assistant who works the task from now on; null: whoever is responsible for the customer."""

    to: UUID | None


class ArrangedTask(Answer):
    """When the task is on the list again, and who works it."""

    id: UUID
    customer_id: UUID
    assignee_id: UUID | None
    visible_from: datetime | None
