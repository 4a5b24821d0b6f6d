"""The actions that were decided on."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class ActionRow(Base):
    """`state`: accepted, declined, withdrawn or concluded. `reason`: why it was declined or withdrawn; `outcome`: what came of it."""

    __tablename__ = "action"
    __table_args__ = (
        Index("ix_action_task", "task_id", unique=True, postgresql_where=text("task_id IS NOT NULL")),
        Index("ix_action_expiry", "expires_on", postgresql_where=text("state = 'accepted'")),
        Index("ix_action_reservation", "reservation_id", postgresql_where=text("state = 'accepted'")),
    )

    action_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    kind: Mapped[str]
    channel: Mapped[str]
    product_code: Mapped[str | None]
    expires_on: Mapped[date]
    state: Mapped[str]
    reason: Mapped[str | None]
    task_id: Mapped[UUID | None]
    reservation_id: Mapped[UUID | None]
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    standards_version: Mapped[int]
