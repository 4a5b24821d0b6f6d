"""The table of risk assessments."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class RiskProfileRow(Base):
    """One assessment. Rows only come in; ids are in the order of recording."""

    __tablename__ = "risk_profile"
    __table_args__ = (
        Index("ix_risk_profile_customer", "customer_id", "assessed_on", "id"),
        CheckConstraint("level BETWEEN 1 AND 5", name="level"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    level: Mapped[int]
    assessed_on: Mapped[date]
    expires_on: Mapped[date]
    method: Mapped[str]
    questionnaire: Mapped[str | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    data_origin: Mapped[str]
