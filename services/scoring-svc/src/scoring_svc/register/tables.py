"""Trainings, versions, their steps, and what drift was found."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ModelVersionRow(Base):
    """A version; only `state` ever changes. `digest` is the SHA-256 of text and members, `distributions` the training's for PSI."""

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("name", "number"),
        Index("ix_model_version_trained_at", "trained_at", "id"),
        Index("ix_model_version_active", "name", unique=True, postgresql_where=text("state = 'active'")),
        Index("ix_model_version_challenger", "name", unique=True, postgresql_where=text("state = 'challenger'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    trained_by: Mapped[str]
    trained_at: Mapped[datetime]
    training: Mapped[dict[str, Any]] = mapped_column(JSONB)
    back_test: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    distributions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    card: Mapped[str]
    artefact_text: Mapped[str]
    artefact_members: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str]


class ModelStepRow(Base):
    """One step of a version from a state to another. `falls_back_to`: with an activation, what a rollback of it makes active again."""

    __tablename__ = "model_step"
    __table_args__ = (Index("ix_model_step_model", "model_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    model_id: Mapped[UUID]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]
    falls_back_to: Mapped[UUID | None]


class ModelDriftRow(Base):
    """PSI of a version in use on one business date; `result` names score, features and the comparison with the challenger."""

    __tablename__ = "model_drift"

    model_id: Mapped[UUID] = mapped_column(primary_key=True)
    measured_on: Mapped[date] = mapped_column(primary_key=True)
    customers: Mapped[int]
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
