"""Revisions of what core banking reports. A worker of the version before waits with its reported balances until it is replaced: their
key has a column more.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1800"
down_revision = "20261128_1755"


def upgrade() -> None:
    for name in ("opening_revision", "status_revision", "balance_revision"):
        op.add_column("holding", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("reported_balance", sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.drop_constraint("pk_reported_balance", "reported_balance")
    op.create_primary_key("pk_reported_balance", "reported_balance", ["customer_id", "account_id", "as_of", "revision"])
