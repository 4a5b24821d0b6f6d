"""Tables of tiers. Keys begin with the customer."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class CustomerTierRow(Base):
    """The tier now; a customer who never reached one has no row. `below_since`: from when on the assets have not reached it."""

    __tablename__ = "customer_tier"
    __table_args__ = (Index("ix_customer_tier_below", "below_since", postgresql_where=text("below_since IS NOT NULL")),)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    tier: Mapped[str | None]
    since: Mapped[date]
    below_since: Mapped[date | None]


class TierChangeRow(Base):
    """One move. Rows only come in. `assets`: minor units by currency, by which it was judged."""

    __tablename__ = "tier_change"
    __table_args__ = (Index("ix_tier_change_customer", "customer_id", "effective_on", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    tier: Mapped[str | None]
    before: Mapped[str | None]
    effective_on: Mapped[date]
    assets: Mapped[dict[str, Any]] = mapped_column(JSONB)
    standard_version: Mapped[int]
    recorded_at: Mapped[datetime]


class TierDueRow(Base):
    """A customer whose assets have changed and are to be looked at."""

    __tablename__ = "tier_due"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime]
