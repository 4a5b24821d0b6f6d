"""The consent table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class ConsentRow(Base):
    """One statement of a customer. Rows only come in; the one with the highest version counts for its purpose and channel."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_latest", "customer_id", "purpose", "channel", "version"),
        CheckConstraint("NOT granted OR text_version IS NOT NULL", name="text"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purpose: Mapped[str]
    channel: Mapped[str]
    granted: Mapped[bool]
    since: Mapped[datetime]
    method: Mapped[str]
    text_version: Mapped[str | None]
    recorded_by: Mapped[str]
    data_origin: Mapped[str]
