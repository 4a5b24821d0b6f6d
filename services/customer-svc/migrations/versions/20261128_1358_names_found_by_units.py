"""D13: search terms have a version; a job gives older ones today's. Until it has been by, a name is found by its old terms only in part."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1358"
down_revision = "20261128_1355"


def upgrade() -> None:
    op.add_column("customer", sa.Column("terms_version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.create_index("ix_customer_stale_terms", "customer", ["id"], postgresql_where=sa.text("terms_version < 2"))

