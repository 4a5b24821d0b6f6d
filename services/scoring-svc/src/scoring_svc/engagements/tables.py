"""What engagement told: contacts and reviews with their contribution to retention, complaints and satisfaction."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ContactEffectRow(Base):
    """`contribution_bp` in basis points of risk: negative lowers it. `kind` is `interaction` or `plan_review`.

    `result`: of the contact, or the outcome of the review; `effect` on the relationship. Both are what was recorded, null in rows from
    before they were kept. `superseded_at`: when a greater `revision` of the same contact arrived.
    """

    __tablename__ = "contact_effect"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    occurred_on: Mapped[date]
    contribution_bp: Mapped[int]
    standards_version: Mapped[int]
    recorded_at: Mapped[datetime]
    result: Mapped[str | None]
    effect: Mapped[str | None]
    revision: Mapped[int] = mapped_column(primary_key=True, server_default=text("1"))
    superseded_at: Mapped[datetime | None]


class EngagementFactRow(Base):
    """`kind` as `policy.FactKind`; `subject_id` the complaint, or the answer; `value` the satisfaction, 1 to 5. Never updated."""

    __tablename__ = "engagement_fact"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    occurred_on: Mapped[date]
    value: Mapped[int | None]
    recorded_at: Mapped[datetime]
