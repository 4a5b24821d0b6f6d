"""The complaint table."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class ComplaintRow(Base):
    """What was said and what was done about it. Open until `resolved_on` and `outcome` are set, once. `acknowledged_through`: the channel
    by which the customer heard that it was received."""

    __tablename__ = "complaint"
    __table_args__ = (
        Index("ix_complaint_customer", "customer_id", "opened_on"),
        CheckConstraint("(resolved_on IS NULL) = (outcome IS NULL)", name="resolution"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    category: Mapped[str]
    severity: Mapped[str]
    channel: Mapped[str]
    content: Mapped[str]
    opened_on: Mapped[date]
    opened_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    resolved_on: Mapped[date | None]
    outcome: Mapped[str | None]
    remedy: Mapped[str | None]
    resolved_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_through: Mapped[str | None]
    version: Mapped[int]
