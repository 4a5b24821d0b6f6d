"""Who is suspended, who stands in for whom, and while whom is away (D11)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1725"
down_revision = "20261128_1720"


def upgrade() -> None:
    op.add_column("directory_staff", sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("directory_staff", sa.Column("deputy_id", sa.Uuid(), nullable=True))
    op.add_column("directory_staff", sa.Column("away_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("directory_staff", sa.Column("away_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_directory_staff_deputy_id",
        "directory_staff",
        ["deputy_id"],
        postgresql_where=sa.text("deputy_id IS NOT NULL"),
    )
