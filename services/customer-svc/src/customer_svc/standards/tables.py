"""Proposals of versions. The versions themselves stand in the common table (`guanxi_common.standards.tables`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class StandardProposalRow(Base):
    """One proposal; only `state`, `number` and the decision are ever written again. See `policy.StandardProposal`."""

    __tablename__ = "standard_proposal"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn')", name="state"),
        Index("ix_standard_proposal_proposed_at", "proposed_at", "id"),
        Index("ix_standard_proposal_kind", "kind", "package_version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str]
    effective_at: Mapped[datetime | None]
    base_number: Mapped[int]
    package_version: Mapped[int | None]
    author: Mapped[str]
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    state: Mapped[str]
    number: Mapped[int | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
