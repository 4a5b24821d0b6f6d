"""Pauses of partitions, and when a dead letter was made."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1400"
down_revision = "20261128_1358"


def upgrade() -> None:
    op.create_table(
        "partition_pause",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "topic", "partition", name=op.f("pk_partition_pause")),
    )
    op.add_column(
        "dead_letter", sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.execute("UPDATE dead_letter SET made_at = failed_at")
    op.create_index(
        "ix_dead_letter_made_at",
        "dead_letter",
        ["consumer", "topic", "partition", "made_at"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
