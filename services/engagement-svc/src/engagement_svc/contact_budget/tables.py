"""Tables of the ledger. Keys begin with the customer."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class ContactAccountRow(Base):
    """One row a customer for whom contacts were ever counted: whoever adds to the customer's ledger locks it."""

    __tablename__ = "contact_account"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class ContactBudgetRow(Base):
    """The sums of fixed periods, of before the ledger. Nothing reads or writes it any more."""

    __tablename__ = "contact_budget"
    __table_args__ = (CheckConstraint("used >= 0 AND reserved >= 0 AND overdrawn >= 0", name="counts"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    period_start: Mapped[date] = mapped_column(primary_key=True)
    per_days: Mapped[int] = mapped_column(primary_key=True)
    used: Mapped[int]
    reserved: Mapped[int]
    overdrawn: Mapped[int]


class ContactReservationRow(Base):
    """One contact of the ledger: `reserved` for `on_day`, `confirmed` once it was made on it, `released`, `expired` after
    `holds_until`, or `cancelled`.

    A contact that nobody had reserved comes in `confirmed`. `overdrawn`: it was made past the limit. `ended_because` and `said_at`: why
    it was cancelled, and since when the customer had withdrawn the consent. `without_consent`: the contact was made after that.
    `period_start` and `per_days` are of before the ledger.
    """

    __tablename__ = "contact_reservation"
    __table_args__ = (
        Index("ix_contact_reservation_ledger", "customer_id", "on_day"),
        Index("ix_contact_reservation_held", "holds_until", "id", postgresql_where=text("state = 'reserved'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    period_start: Mapped[date | None]
    per_days: Mapped[int | None]
    purpose: Mapped[str]
    channel: Mapped[str]
    state: Mapped[str]
    overdrawn: Mapped[bool]
    requested_by: Mapped[str]
    reserved_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    on_day: Mapped[date] = mapped_column(server_default=text("CURRENT_DATE"))
    holds_until: Mapped[date] = mapped_column(server_default=text("CURRENT_DATE"))
    consent_purpose: Mapped[str | None]
    made_at: Mapped[datetime | None]
    interaction_id: Mapped[UUID | None]
    ended_because: Mapped[str | None]
    said_at: Mapped[datetime | None]
    without_consent: Mapped[bool] = mapped_column(server_default=text("false"))
