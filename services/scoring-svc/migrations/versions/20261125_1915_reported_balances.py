"""Core banking's balances, each as it was reported: where the series of balances begins."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1915"
down_revision = "20261125_1910"


def upgrade() -> None:
    op.create_table(
        "reported_balance",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "account_id", "as_of", name=op.f("pk_reported_balance")),
    )
    # Of the reports before this table stood, the last of each account is known, as of today's knowledge.
    op.execute(
        "INSERT INTO reported_balance (customer_id, account_id, as_of, balance_minor, currency, recorded_at)"
        " SELECT customer_id, account_id, balance_as_of, balance_minor, currency, now() FROM holding"
        " WHERE balance_minor IS NOT NULL AND balance_as_of IS NOT NULL AND currency IS NOT NULL"
    )
    op.execute(
        "INSERT INTO dirty_customer (customer_id, since, touched_from, settled)"
        " SELECT customer_id, now(), max(as_of), false FROM reported_balance GROUP BY customer_id ON CONFLICT DO NOTHING"
    )
