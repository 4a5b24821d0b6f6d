"""The vulnerability table."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class VulnerabilityRow(Base):
    """Open until `resolved_on` is set, once. Reason and resolution are sealed, each for its own column and row."""

    __tablename__ = "vulnerability"
    __table_args__ = (
        Index("ix_vulnerability_customer", "customer_id", "opened_on"),
        CheckConstraint(
            "(resolved_on IS NULL) = (resolution_sealed IS NULL) AND (resolved_on IS NULL) = (resolved_by IS NULL)",
            name="resolution",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    kind: Mapped[str]
    evidence: Mapped[str]
    reason_sealed: Mapped[bytes]
    opened_on: Mapped[date]
    opened_by: Mapped[str]
    recorded_at: Mapped[datetime]
    review_on: Mapped[date]
    reviewed_on: Mapped[date | None]
    reviewed_by: Mapped[str | None]
    resolved_on: Mapped[date | None]
    resolved_by: Mapped[str | None]
    resolution_sealed: Mapped[bytes | None]
    data_origin: Mapped[str]
    version: Mapped[int]
