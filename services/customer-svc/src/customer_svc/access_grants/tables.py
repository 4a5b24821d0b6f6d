"""The table of grants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class AccessGrantRow(Base):
    """Open from `granted_at` until `ends_at`; reviewed once. The reason is sealed."""

    __tablename__ = "access_grant"
    __table_args__ = (
        Index("ix_access_grant_staff", "staff_id", "ends_at"),
        Index("ix_access_grant_customer", "customer_id"),
        Index("ix_access_grant_pending", "granted_at", postgresql_where=text("reviewed_at IS NULL")),
        CheckConstraint("ends_at > granted_at", name="interval"),
        CheckConstraint(
            "(reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (verdict IS NULL)", name="review"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    staff_id: Mapped[UUID]
    reason_sealed: Mapped[bytes]
    granted_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]
    verdict: Mapped[str | None]
