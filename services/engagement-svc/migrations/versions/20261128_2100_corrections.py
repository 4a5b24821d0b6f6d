"""Contacts that were corrected, what was said of them before, and tasks that are open again (D3)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2100"
down_revision = "20261128_2035"


def upgrade() -> None:
    op.add_column("interaction", sa.Column("answers", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("interaction", sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("interaction", sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("interaction", sa.Column("corrected_by", sa.Uuid(), nullable=True))
    op.add_column("interaction", sa.Column("correction_reason", sa.Text(), nullable=True))
    op.create_table(
        "interaction_revision",
        sa.Column("interaction_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("interaction_id", "revision", name="pk_interaction_revision"),
    )
    op.create_index("ix_interaction_revision_customer_id", "interaction_revision", ["customer_id"])
    op.add_column("task", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True))
