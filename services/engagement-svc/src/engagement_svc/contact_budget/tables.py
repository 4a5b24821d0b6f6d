"""Tables of the ledger. Keys begin with the customer."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class ContactBudgetRow(Base):
    """What is left of a period is the limit less `used` and `reserved`; `overdrawn` counts what went past the limit."""

    __tablename__ = "contact_budget"
    __table_args__ = (CheckConstraint("used >= 0 AND reserved >= 0 AND overdrawn >= 0", name="counts"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    period_start: Mapped[date] = mapped_column(primary_key=True)
    per_days: Mapped[int] = mapped_column(primary_key=True)
    used: Mapped[int]
    reserved: Mapped[int]
    overdrawn: Mapped[int]


class ContactReservationRow(Base):
    """`state`: reserved, confirmed, released, or expired with its period. `purpose` and `channel` say what for."""

    __tablename__ = "contact_reservation"
    __table_args__ = (
        Index("ix_contact_reservation_customer", "customer_id", "period_start"),
        Index("ix_contact_reservation_open", "period_start", "id", postgresql_where=text("state = 'reserved'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    period_start: Mapped[date]
    per_days: Mapped[int]
    purpose: Mapped[str]
    channel: Mapped[str]
    state: Mapped[str]
    overdrawn: Mapped[bool]
    requested_by: Mapped[str]
    reserved_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
