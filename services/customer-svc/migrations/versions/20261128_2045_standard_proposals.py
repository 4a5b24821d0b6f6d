"""Proposals of versions of standards, which a second person decides (D6)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2045"
down_revision = "20261128_2025"


def upgrade() -> None:
    op.create_table(
        "standard_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("base_number", sa.Integer(), nullable=False),
        sa.Column("package_version", sa.Integer(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn')", name=op.f("ck_standard_proposal_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_proposal")),
    )
    op.create_index("ix_standard_proposal_proposed_at", "standard_proposal", ["proposed_at", "id"])
    op.create_index("ix_standard_proposal_kind", "standard_proposal", ["kind", "package_version"])
