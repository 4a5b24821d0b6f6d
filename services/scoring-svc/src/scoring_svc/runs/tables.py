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
