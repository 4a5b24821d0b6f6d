"""What the customer said last counts, not what was typed in last: the day of a statement, and when it was recorded (D5)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1810"
down_revision = "20261128_1750"


def upgrade() -> None:
    op.add_column("consent", sa.Column("agreed_on", sa.Date(), nullable=True))
    op.add_column(
        "consent", sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.execute("UPDATE consent SET recorded_at = since")
    op.create_index("ix_consent_last_said", "consent", ["customer_id", "purpose", "channel", "since", "version"])
    op.drop_index("ix_consent_latest", table_name="consent")
