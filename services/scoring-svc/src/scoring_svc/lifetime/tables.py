"""Fits of the lifetime model, never changed afterwards but for their state."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class LifetimeModelRow(Base):
    """A BG/NBD fit. `state`: active, retired or refused; one is active at most. Time unit: weeks."""

    __tablename__ = "lifetime_model"
    __table_args__ = (Index("ix_lifetime_model_active", "state", unique=True, postgresql_where=text("state = 'active'")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID]
    as_of: Mapped[date]
    state: Mapped[str]
    customers: Mapped[int]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    standard_errors: Mapped[dict[str, Any]] = mapped_column(JSONB)
    log_likelihood: Mapped[float | None]
    refusal: Mapped[str | None]
    refusal_en: Mapped[str | None]
    refusal_zh: Mapped[str | None]
    fitted_at: Mapped[datetime]
