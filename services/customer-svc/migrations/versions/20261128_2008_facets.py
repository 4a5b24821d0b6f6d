"""Facets of the customer with versions of their own (D7); those there are begin at the version of the file."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_2008"
down_revision = "20261128_2000"


def upgrade() -> None:
    op.create_table(
        "customer_facet",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_facet_customer_id_customer")),
        sa.PrimaryKeyConstraint("customer_id", "facet", name=op.f("pk_customer_facet")),
    )
    # The replicas hold what they have at the version of the file, so the facets go on from there.
    op.execute(
        "INSERT INTO customer_facet (customer_id, facet, version)"
        " SELECT id, facet, version FROM customer CROSS JOIN unnest(ARRAY['file', 'agreements', 'book']) AS facet"
        " WHERE erased_at IS NULL"
    )
    op.execute(
        "INSERT INTO customer_facet (customer_id, facet, version)"
        " SELECT customer_id, 'classification', version FROM customer_tier JOIN customer ON customer.id = customer_tier.customer_id"
    )
    op.execute("INSERT INTO republication (name) SELECT 'facets' WHERE EXISTS (SELECT FROM customer)")
