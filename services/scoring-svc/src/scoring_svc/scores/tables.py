"""The last score of each customer, as published, and the nightly comparisons; kept apart from anything that is often updated."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ScoreRow(Base):
    """`silence_judged_on`: the last business date on which the customer's silence was looked at (year 1: never).

    From `currency` on: what the score rests on and what it says, see `scores.columns`; null in rows from before there were columns.
    `detail` is the whole score as `GET /v1/scores/{customer_id}` shows it, where the columns do not say everything; null: they do. A book
    run puts a new table in the place of this one: only its columns and indexes may be relied on, no trigger, reference or privilege.
    """

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
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    currency: Mapped[str | None]
    history_days: Mapped[int | None]
    acts_recent: Mapped[int | None]
    acts_before: Mapped[int | None]
    silent_days: Mapped[int | None]
    balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    median_balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    outflow_minor: Mapped[int | None] = mapped_column(BigInteger)
    inflow_minor: Mapped[int | None] = mapped_column(BigInteger)
    income_overdue_days: Mapped[int | None]
    p_alive_bp: Mapped[int | None]
    expected_acts_90_days: Mapped[float | None]
    rfm_recency_days: Mapped[int | None]
    rfm_frequency: Mapped[int | None]
    rfm_monetary_minor: Mapped[int | None] = mapped_column(BigInteger)
    rfm_cell: Mapped[int | None]
    act_days: Mapped[int | None]
    act_span_days: Mapped[int | None]
    act_age_days: Mapped[int | None]


class ScoreNewsRow(Base):
    """A customer whose score a book run has changed and of whom it is yet to be told; `band` and `main_reason` are as told last."""

    __tablename__ = "score_news"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    band: Mapped[str]
    main_reason: Mapped[str | None]


class ScoreTouchedRow(Base):
    """A customer scored one by one while a book run is under way: what the run has read of the customer is no longer so."""

    __tablename__ = "score_touched"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[UUID]
