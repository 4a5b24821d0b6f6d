"""The consent table."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class ConsentRow(Base):
    """One statement of a customer. Rows only come in; for a purpose and channel counts the latest by `since`, and of equals by `version`.

    `since`: when the customer said it. `agreed_on`: the day, where no more is known of it, such as that of a paper form.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_last_said", "customer_id", "purpose", "channel", "since", "version"),
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
    agreed_on: Mapped[date | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
