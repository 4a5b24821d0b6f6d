"""Answers on satisfaction."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1931"
down_revision = "20261125_1930"


def upgrade() -> None:
    op.create_table(
        "satisfaction_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("satisfaction", sa.Integer(), nullable=False),
        sa.Column("nps", sa.Integer(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("asked_about", sa.Text(), nullable=False),
        sa.Column("interaction_id", sa.Uuid(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5 AND nps BETWEEN 0 AND 10", name=op.f("ck_satisfaction_answer_scales")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satisfaction_answer")),
    )
    op.create_index("ix_satisfaction_answer_customer", "satisfaction_answer", ["customer_id", "answered_on", "id"], unique=False)
