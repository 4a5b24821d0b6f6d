"""Customers to be scored again, now or on a date ahead, and customers to be planned anew."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class DirtyCustomerRow(Base):
    """A customer whose scores no longer rest on all that is known. `touched_from` is the earliest business date that changed.

    `settled`: nothing was posted lately, so that silence means something (see `scores`).
    """

    __tablename__ = "dirty_customer"
    __table_args__ = (Index("ix_dirty_customer_since", "since"), {"postgresql_with": {"fillfactor": 50}})

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    touched_from: Mapped[date]
    traceparent: Mapped[str | None]
    settled: Mapped[bool]


class PostingAheadRow(Base):
    """A customer with a posting dated ahead; `due_on` is the earliest such business date, on which the posting begins to count."""

    __tablename__ = "posting_ahead"
    __table_args__ = (Index("ix_posting_ahead_due_on", "due_on"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_on: Mapped[date]


class ActionDueRow(Base):
    """A customer for whom it is to be looked what is to be done next."""

    __tablename__ = "action_due"
    __table_args__ = (Index("ix_action_due_customer_id", "customer_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[UUID]
    since: Mapped[datetime]
