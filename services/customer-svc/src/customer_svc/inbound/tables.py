"""The refusals of the intake from Kafka."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class InboundRejectionRow(Base):
    """One item that was not taken; never updated. `code` and `detail` are those that HTTP would have answered."""

    __tablename__ = "inbound_rejection"
    __table_args__ = (Index("ix_inbound_rejection_received_at", "received_at", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str | None]
    source: Mapped[str]
    account_number: Mapped[str]
    external_id: Mapped[str | None]
    code: Mapped[str]
    detail: Mapped[str]
    received_at: Mapped[datetime]
