"""The interaction table, and what its rows said before they were corrected."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class InteractionRow(Base):
    """What is held of a contact now; `revision` counts what was said of it. `answers`: the tasks that the record named, None if none.

    `late` marks a record made after the end of the business day of the contact. `booked_on` is the contact's local date. `replied`: a
    written contact that the other side answered. `corrected_at`, `corrected_by` and `correction_reason` are those of the last correction.
    """

    __tablename__ = "interaction"
    __table_args__ = (Index("ix_interaction_customer", "customer_id", "occurred_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    method: Mapped[str]
    direction: Mapped[str]
    replied: Mapped[bool] = mapped_column(server_default=text("false"))
    purpose: Mapped[str]
    occurred_at: Mapped[datetime]
    booked_on: Mapped[date]
    content: Mapped[str]
    result: Mapped[str]
    result_note: Mapped[str | None]
    relationship_effect: Mapped[str]
    participants: Mapped[list[str]] = mapped_column(ARRAY(Text))
    materials: Mapped[list[str]] = mapped_column(ARRAY(Text))
    next_step: Mapped[str | None]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    late: Mapped[bool]
    completed_task_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    answers: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    corrected_at: Mapped[datetime | None]
    corrected_by: Mapped[UUID | None]
    correction_reason: Mapped[str | None]


class InteractionRevisionRow(Base):
    """What was said before a correction: `said` is the whole row of then. Never changed."""

    __tablename__ = "interaction_revision"

    interaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(index=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
