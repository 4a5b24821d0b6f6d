"""The erased customers, and the mark in the file of each."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1410"
down_revision = "20261128_1400"


def upgrade() -> None:
    op.create_table(
        "erased_customer",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_erased_customer")),
    )
    op.create_index("ix_erased_customer_erased_at", "erased_customer", ["erased_at"])
    op.add_column("customer", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
