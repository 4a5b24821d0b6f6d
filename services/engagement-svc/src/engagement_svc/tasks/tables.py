"""The task table."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class TaskRow(Base):
    """`origin` is what opened it (`action:<id>`, `plan:<id>:<date>`) and unique: told twice, opened once; `origin_kind` and `origin_id`
    are its parts. `subject_id` is None in rows of the release before, whose subject is the customer.

    `assignee_id`: the assistant to whom it is handed. `visible_from`: until then it is put off, and `rank_key` has the bit
    `policy.SNOOZED`. `state`: open, completed or cancelled. `ended_because` says why, as `policy.Ended`; `ended_by` what or who ended it:
    the evidence (`interaction:<id>`), the member of staff (`staff:<id>`), the action whose ground is gone (`action:<id>`), or `system`.
    `completed_by` repeats `ended_by` until /v2. `reopened_at`: when a correction opened it again; until `grace_until` it is not breached.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_origin", "origin", unique=True),
        Index("ix_task_worklist_owner", "owner_id", "rank_key", "id", postgresql_where=text("state = 'open'")),
        Index("ix_task_worklist_outlet", "outlet_id", "rank_key", "id", postgresql_where=text("state = 'open'")),
        Index("ix_task_worklist", "rank_key", "id", postgresql_where=text("state = 'open'")),
        Index("ix_task_customer", "customer_id", "opened_at"),
        Index("ix_task_snoozed", "visible_from", postgresql_where=text("state = 'open' AND visible_from IS NOT NULL")),
        Index("ix_task_delegated", "assignee_id", postgresql_where=text("state = 'open' AND assignee_id IS NOT NULL")),
        Index("ix_task_due", "due_at", postgresql_where=text("state = 'open' AND breached_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    subject_type: Mapped[str] = mapped_column(server_default=text("'customer'"))
    subject_id: Mapped[UUID | None]
    task_type: Mapped[str]
    origin: Mapped[str]
    origin_kind: Mapped[str | None]
    origin_id: Mapped[UUID | None]
    reason_code: Mapped[str]
    reason_en: Mapped[str]
    reason_zh: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    priority: Mapped[int]
    rank_key: Mapped[int] = mapped_column(BigInteger)
    owner_id: Mapped[UUID | None]
    outlet_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    zone: Mapped[str]
    calendar_version: Mapped[str]
    due_provisional: Mapped[bool]
    state: Mapped[str]
    breached_at: Mapped[datetime | None]
    escalated_to: Mapped[UUID | None]
    completed_at: Mapped[datetime | None]
    completed_by: Mapped[str | None]
    ended_because: Mapped[str | None]
    ended_by: Mapped[str | None]
    standards_version: Mapped[int]
    assignee_id: Mapped[UUID | None]
    visible_from: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
