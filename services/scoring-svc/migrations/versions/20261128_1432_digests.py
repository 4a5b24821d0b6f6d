"""Digests that were told, and what came of their comparison."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_1432"
down_revision = "20261128_1417"


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deltas", postgresql.JSONB(), nullable=False),
        sa.Column("differing", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_digest")),
    )
