"""The interaction table: append-only."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class InteractionRow(Base):
    """`late` marks a record made after the end of the business day of the contact. `booked_on` is the contact's local date. `replied`: a
    written contact that the other side answered."""

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
