"""Cases for the data desk: a document that another file has (D15)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_2101"
down_revision = "20261128_2045"


def upgrade() -> None:
    op.create_table(
        "match_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('same_person', 'entered_wrongly')", name=op.f("ck_match_case_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name=op.f("ck_match_case_closed")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_match_case_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_case")),
        sa.UniqueConstraint("number", name=op.f("uq_match_case_number")),
    )
    op.create_index("ix_match_case_customer_id", "match_case", ["customer_id"])
    op.create_index(
        "uq_match_case_open", "match_case", ["asked_by", "customer_id"], unique=True, postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_table(
        "match_count",
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("matches", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("asked_by", "day", name=op.f("pk_match_count")),
    )
