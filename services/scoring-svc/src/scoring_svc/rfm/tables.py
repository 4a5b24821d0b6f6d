"""Bounds of RFM bands, never changed afterwards."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class RfmBandSetRow(Base):
    """Quintile bounds of one run and currency; the newest of a currency is in force."""

    __tablename__ = "rfm_band_set"

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date]
    window_days: Mapped[int]
    bounds: Mapped[dict[str, Any]] = mapped_column(JSONB)
    frozen_at: Mapped[datetime]
