"""The table of cases."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class MatchCaseRow(Base):
    """One case; see `policy.MatchCase`. Of one caller and file one is open."""

    __tablename__ = "match_case"
    __table_args__ = (
        CheckConstraint("outcome IN ('same_person', 'entered_wrongly')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed"),
        Index("uq_match_case_open", "asked_by", "customer_id", unique=True, postgresql_where=text("outcome IS NULL")),
        Index("ix_match_case_customer_id", "customer_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    asked_by: Mapped[str]
    opened_at: Mapped[datetime]
    outcome: Mapped[str | None]
    note: Mapped[str | None]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class MatchCountRow(Base):
    """How many attempts of a caller matched on a business day; the row is the lock of the caller's limit."""

    __tablename__ = "match_count"

    asked_by: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    matches: Mapped[int]
