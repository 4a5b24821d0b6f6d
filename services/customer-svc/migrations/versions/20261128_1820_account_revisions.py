"""When core banking said what of an account, and the balance of each day by itself."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1820"
down_revision = "20261128_1810"


def upgrade() -> None:
    op.add_column("account", sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("account", sa.Column("opening_reported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("status_reported_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "account_balance",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_balance_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "as_of", name=op.f("pk_account_balance")),
    )
    op.execute(
        "INSERT INTO account_balance (account_id, as_of, balance_minor, revision)"
        " SELECT id, balance_as_of, balance_minor, 1 FROM account WHERE balance_as_of IS NOT NULL"
    )
