"""Customers with a posting dated ahead, to be scored again on its business date."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1745"
down_revision = "20261125_0026"


def upgrade() -> None:
    op.create_table(
        "posting_ahead",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_posting_ahead")),
    )
    op.create_index("ix_posting_ahead_due_on", "posting_ahead", ["due_on"], unique=False)
    # What was folded before this table stood. Entries dated ahead are few.
    op.execute(
        "INSERT INTO posting_ahead (customer_id, due_on)"
        " SELECT customer_id, min(booked_on) FROM daily_activity WHERE booked_on > current_date - 1 GROUP BY customer_id"
    )
