"""How far the day's pass of touches is, and the channels that customers prefer (D4)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2035"
down_revision = "20261128_2025"


def upgrade() -> None:
    op.create_table(
        "touch_pass",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_touch_pass")),
    )
    op.add_column("customer", sa.Column("preferred_channels", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
