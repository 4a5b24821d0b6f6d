"""The nightly comparisons."""

from datetime import date, datetime

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ScoreCheckRow(Base):
    """The stored scores that were computed again on one business date; `differing` names the customers, at most fifty."""

    __tablename__ = "score_check"

    checked_on: Mapped[date] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    sampled: Mapped[int]
    mismatches: Mapped[int]
    differing: Mapped[list[str]] = mapped_column(JSONB)
