"""A task as lists show it. msgspec: the worklist is a hot path (see `docs/benchmarks.md`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Bilingual(msgspec.Struct):
    en: str
    zh: str


class QuietHours(msgspec.Struct, rename={"from_": "from"}):
    """Local times; past midnight where `to` is not later than `from`."""

    from_: str
    to: str


class TaskOut(msgspec.Struct):
    """One task. `closes_on` names the evidence that ends it; nothing else does. `breached_at`: its clock has run out. In the
    `quiet_hours` the customer is not to be contacted, but in the customer's own matters."""

    id: UUID
    customer_id: UUID
    customer_name: str | None
    quiet_hours: QuietHours | None
    task_type: str
    title: Bilingual
    reason_code: str
    reason: Bilingual
    evidence: dict[str, Any]
    priority: int
    state: str
    opened_at: datetime
    due_at: datetime
    due_provisional: bool
    closes_on: list[str]
    owner_id: UUID | None
    breached_at: datetime | None
    escalated_to: UUID | None
    completed_at: datetime | None
    completed_by: str | None


class Worklist(msgspec.Struct):
    data: list[TaskOut]
    next_cursor: str | None
