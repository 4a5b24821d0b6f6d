"""A customer's entries of a stretch of days are found without reading all of the customer's; since when an account's product is known."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1910"
down_revision = "20261125_1745"


def upgrade() -> None:
    op.add_column("holding", sa.Column("product_recorded_at", sa.DateTime(timezone=True), nullable=True))
    # A large ledger takes longer than a minute, and nothing folds meanwhile; made beforehand with CONCURRENTLY, it is found here.
    op.execute("SET LOCAL statement_timeout = '30min'")
    op.execute("CREATE INDEX IF NOT EXISTS ix_ledger_entry_booked_on ON ledger_entry (customer_id, booked_on)")
