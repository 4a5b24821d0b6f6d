"""Tables of the ledger. Money in minor units of `currency`, credits positive. Keys begin with the customer, so that tables can be
hash-partitioned by it without a new key."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class LedgerEntryRow(Base):
    """One posting; never updated. `code` is as core banking gave it; `activity_class` what it was mapped to when the entry came."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_booked_on", "customer_id", "booked_on"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    booked_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    activity_class: Mapped[str]
    code: Mapped[str]
    recorded_at: Mapped[datetime]


class LedgerReversalRow(Base):
    """`entry_id` no longer counts, from `recorded_at` on."""

    __tablename__ = "ledger_reversal"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    reversal_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class ReportedBalanceRow(Base):
    """What core banking says an account held at the end of the business day `as_of`; never updated. A correction is a row of its own, of
    a greater revision, so that what was known before can be read back."""

    __tablename__ = "reported_balance"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("0"), autoincrement=False)
    balance_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    recorded_at: Mapped[datetime]


class DailyActivityRow(Base):
    """Sums of the entries that count, exact up to `SUM_LIMIT`. `credit_minor` ≥ 0, `debit_minor` ≤ 0."""

    __tablename__ = "daily_activity"
    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)  # each fold updates it: in its own page no index is touched

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    booked_on: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    activity_class: Mapped[str] = mapped_column(primary_key=True)
    entries: Mapped[int]
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    debit_minor: Mapped[int] = mapped_column(BigInteger)


class FeedPositionRow(Base):
    """One row: the latest business date that any posting has been booked on. What lies after it, core banking has not told yet."""

    __tablename__ = "feed_position"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    booked_on: Mapped[date]
