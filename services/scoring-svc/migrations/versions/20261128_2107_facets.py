"""The replica of customers keeps each facet in a table of its own (D7); what is known moves there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2107"
down_revision = "20261128_2100"


def upgrade() -> None:
    _create("customer_agreements", sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False))
    _create("customer_classification", sa.Column("tier", sa.Text(), nullable=True))
    op.execute(
        "INSERT INTO customer_agreements (customer_id, version, epoch, detail)"
        " SELECT customer_id, version, epoch, detail - 'tier' FROM customer_facts"
    )
    op.execute(
        "INSERT INTO customer_classification (customer_id, version, epoch, tier)"
        " SELECT customer_id, version, epoch, detail ->> 'tier' FROM customer_facts WHERE detail ->> 'tier' IS NOT NULL"
    )
    op.drop_column("customer_facts", "detail")


def _create(table: str, column: sa.Column) -> None:
    op.create_table(
        table,
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        column,
        sa.PrimaryKeyConstraint("customer_id", name=op.f(f"pk_{table}")),
    )
