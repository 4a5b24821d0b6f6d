"""The account table. `id` is the UUIDv5 of source and account number, so that a posting knows it before the account is known."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class AccountRow(Base):
    __tablename__ = "account"
    __table_args__ = (Index("ix_account_customer", "customer_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    account_number: Mapped[str]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    product_code: Mapped[str]
    currency: Mapped[str]
    opened_on: Mapped[date]
    matures_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    balance_as_of: Mapped[date | None]
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    opening_reported_at: Mapped[datetime | None]
    status_reported_at: Mapped[datetime | None]


class AccountBalanceRow(Base):
    """What an account held at the end of a business day, by the report that stands; `reported_at` is null for those of old."""

    __tablename__ = "account_balance"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    balance_minor: Mapped[int] = mapped_column(BigInteger)
    reported_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(BigInteger)
