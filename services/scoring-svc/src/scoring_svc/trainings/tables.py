"""Trainings that were asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ModelTrainingRow(Base):
    """What an operation of the same id is to train: `request` names label, kind, cuts and horizon.

    `state`, `finished_at` and `result` (the version, or why there is none) hold of a training that ended before there were operations.
    """

    __tablename__ = "model_training"
    __table_args__ = (Index("ix_model_training_open", "requested_at", postgresql_where=text("state = 'queued'")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
