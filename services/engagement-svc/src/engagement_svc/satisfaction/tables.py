"""The table of answers."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class SatisfactionAnswerRow(Base):
    """One answer; never changed. `satisfaction` 1 to 5, `nps` 0 to 10: how likely the customer is to recommend the bank."""

    __tablename__ = "satisfaction_answer"
    __table_args__ = (
        Index("ix_satisfaction_answer_customer", "customer_id", "answered_on", "id"),
        CheckConstraint("satisfaction BETWEEN 1 AND 5 AND nps BETWEEN 0 AND 10", name="scales"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    satisfaction: Mapped[int]
    nps: Mapped[int | None]
    answered_on: Mapped[date]
    asked_about: Mapped[str]
    interaction_id: Mapped[UUID | None]
    comment: Mapped[str | None]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
