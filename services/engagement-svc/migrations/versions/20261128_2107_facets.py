"""The replica of customers keeps each facet in a table of its own (D7); what is known of the agreements moves there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2107"
down_revision = "20261128_2100"

MOVED = ("max_contacts", "contact_period_days", "quiet_from", "quiet_to", "consents", "preferred_channels")


def upgrade() -> None:
    op.create_table(
        "customer_agreements",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("max_contacts", sa.Integer(), nullable=True),
        sa.Column("contact_period_days", sa.Integer(), nullable=True),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_to", sa.Time(), nullable=True),
        sa.Column("consents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("preferred_channels", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_agreements")),
    )
    op.execute(
        "INSERT INTO customer_agreements (customer_id, version, epoch, max_contacts, contact_period_days, quiet_from, quiet_to,"
        " consents, preferred_channels) SELECT customer_id, version, epoch, max_contacts, contact_period_days, quiet_from, quiet_to,"
        " coalesce(consents, '[]'), coalesce(preferred_channels, '[]') FROM customer"
    )
    for column in MOVED:
        op.drop_column("customer", column)
