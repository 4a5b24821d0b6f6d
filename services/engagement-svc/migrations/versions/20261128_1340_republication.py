"""Owners publish their snapshots anew."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1340"
down_revision = "20261128_1320"


def upgrade() -> None:
    op.create_table(
        "republication",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("published", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_republication")),
    )
    op.create_index(
        "ix_republication_open", "republication", ["requested_at"], postgresql_where=sa.text("finished_at IS NULL")
    )
