"""The last score of each customer, as published, and the nightly comparisons; kept apart from anything that is often updated."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.tables import Base


class ScoreRow(Base):
    """`detail` is the whole score as `GET /v1/scores/{customer_id}` shows it; `silence_judged_on` the last business date on which the
    customer's silence was looked at (year 1: never)."""

    __tablename__ = "score"
    __table_args__ = (Index("ix_score_silence_judged_on", "silence_judged_on", "customer_id"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    known_at: Mapped[datetime]
    value_bp: Mapped[int]
    band: Mapped[str]
    main_reason: Mapped[str | None]
    model_version: Mapped[str]
    bands_version: Mapped[str]
    silence_judged_on: Mapped[date]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class PostingAheadRow(Base):
    """A customer with a posting dated ahead; `due_on` is the earliest such business date, on which the posting begins to count."""

    __tablename__ = "posting_ahead"
    __table_args__ = (Index("ix_posting_ahead_due_on", "due_on"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_on: Mapped[date]


class ScoreCheckRow(Base):
    """The stored scores that were computed again on one business date; `differing` names the customers, at most fifty."""

    __tablename__ = "score_check"

    checked_on: Mapped[date] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    sampled: Mapped[int]
    mismatches: Mapped[int]
    differing: Mapped[list[str]] = mapped_column(JSONB)
