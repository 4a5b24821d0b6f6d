"""Replicas and ledgers are made anew from the bus."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1417"
down_revision = "20261128_1410"


def upgrade() -> None:
    op.add_column("consumer_position", sa.Column("replay_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "rebuild",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rebuild")),
    )
    op.create_index("ix_rebuild_open", "rebuild", ["topic"], unique=True, postgresql_where=sa.text("finished_at IS NULL"))
