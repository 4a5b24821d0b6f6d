"""The signals that were raised; append-only."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class SignalRow(Base):
    """`signal_id` is derived from customer, kind, currency and business date: raised once, however the events arrive."""

    __tablename__ = "signal"
    __table_args__ = (Index("ix_signal_customer_date", "customer_id", "business_date", "signal_id"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    signal_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    currency: Mapped[str]
    severity: Mapped[str]
    business_date: Mapped[date]
    historical: Mapped[bool]
    reason_code: Mapped[str]
    reason_en: Mapped[str]
    reason_zh: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    standard_version: Mapped[int]
    raised_at: Mapped[datetime]
