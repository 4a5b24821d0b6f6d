"""The epochs of owners: whatever is kept of a version keeps its epoch too. What was kept before is of the first."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1310"
down_revision = "20261125_1945"


def upgrade() -> None:
    op.create_table(
        "owner_epoch",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("restore", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_owner_epoch")),
        sa.UniqueConstraint("restore", name=op.f("uq_owner_epoch_restore")),
    )
    for table in (
        "inbox_version",
        "inbox_parked",
        "directory_outlet",
        "directory_staff",
        "directory_role",
        "book_assignment",
    ):
        op.add_column(table, sa.Column("epoch", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
