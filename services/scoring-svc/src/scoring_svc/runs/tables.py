"""Runs, and what they leave: models and band sets, never changed afterwards."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ScoreRunRow(Base):
    """`state`: queued, running, then succeeded, failed or cancelled. `result` says what became of each part, or the error.

    `stage` of a run under way: refreshing, scoring, publishing; `rows_done` of `rows_total` customers of this stage are done (refreshing:
    those up to the id `position`). A run that
    publishes has exchanged the book, and is not cancelled any more.
    """

    __tablename__ = "score_run"
    __table_args__ = (Index("ix_score_run_open", "requested_at", postgresql_where=text("state IN ('queued', 'running')")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    state: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    started_at: Mapped[datetime | None]
    stage: Mapped[str | None]
    rows_total: Mapped[int | None]
    rows_done: Mapped[int | None]
    position: Mapped[UUID | None]


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


class RfmBandSetRow(Base):
    """Quintile bounds of one run and currency; the newest of a currency is in force."""

    __tablename__ = "rfm_band_set"

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    window_days: Mapped[int]
    bounds: Mapped[dict[str, Any]] = mapped_column(JSONB)
    frozen_at: Mapped[datetime]
