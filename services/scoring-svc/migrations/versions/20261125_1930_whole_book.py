"""Scores as columns, book runs in steps, and what a run has yet to tell. Rows without columns are scored anew by the next run."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1930"
down_revision = "20261125_1915"

_INTEGERS = (
    "history_days",
    "acts_recent",
    "acts_before",
    "silent_days",
    "income_overdue_days",
    "p_alive_bp",
    "rfm_recency_days",
    "rfm_frequency",
    "rfm_cell",
    "act_days",
    "act_span_days",
    "act_age_days",
)
_MONEY = ("balance_minor", "median_balance_minor", "outflow_minor", "inflow_minor", "rfm_monetary_minor")


def upgrade() -> None:
    op.alter_column("score", "detail", nullable=True)
    op.add_column("score", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("score", sa.Column("expected_acts_90_days", sa.Float(), nullable=True))
    for name in _INTEGERS:
        op.add_column("score", sa.Column(name, sa.Integer(), nullable=True))
    for name in _MONEY:
        op.add_column("score", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_table(
        "score_news",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("main_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_score_news")),
    )
    op.create_table(
        "score_touched",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_touched")),
    )
    op.add_column("score_run", sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("score_run", sa.Column("stage", sa.Text(), nullable=True))
    op.add_column("score_run", sa.Column("rows_total", sa.Integer(), nullable=True))
    op.add_column("score_run", sa.Column("rows_done", sa.Integer(), nullable=True))
    op.add_column("score_run", sa.Column("position", sa.Uuid(), nullable=True))
