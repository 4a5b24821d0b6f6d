"""What engagement tells of a customer beside contacts: complaints and satisfaction."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class EngagementFactRow(Base):
    """`kind` as `policy.FactKind`; `subject_id` the complaint, or the answer; `value` the satisfaction, 1 to 5. Never updated."""

    __tablename__ = "engagement_fact"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    occurred_on: Mapped[date]
    value: Mapped[int | None]
    recorded_at: Mapped[datetime]
