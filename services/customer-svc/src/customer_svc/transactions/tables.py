"""The postings as core banking told them. Money in minor units, credit positive."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class PostingRow(Base):
    """`amount_minor`, `currency` and `code` are null on reversals, refused ones too, and on awaited placeholders only."""

    __tablename__ = "posting"
    __table_args__ = (
        Index("ix_posting_parked", "account_id", postgresql_where=text("state = 'parked'")),
        Index("ix_posting_reconciliation", "source", "booked_on"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    source: Mapped[str]
    account_number: Mapped[str]
    booked_on: Mapped[date | None]
    occurred_at: Mapped[datetime | None]
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    code: Mapped[str | None]
    reverses: Mapped[str | None]
    reversed_by: Mapped[str | None]
    recorded_at: Mapped[datetime]
