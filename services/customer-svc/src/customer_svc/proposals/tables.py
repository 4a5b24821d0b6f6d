"""Proposals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class DirectoryProposalRow(Base):
    """One proposal; only `state` and the decision are ever written again. See `policy.Proposal`."""

    __tablename__ = "directory_proposal"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn')", name="state"),
        Index("ix_directory_proposal_proposed_at", "proposed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    entry_id: Mapped[UUID]
    base_version: Mapped[int] = mapped_column(BigInteger)
    entry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str]
    proposed_by: Mapped[UUID]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    hand_over_to: Mapped[UUID | None]
