"""Contacts by revision: the greatest counts, and what was known before stays (D3)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_2100"
down_revision = "20261128_2025"


def upgrade() -> None:
    op.add_column("contact_effect", sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("contact_effect", sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("pk_contact_effect", "contact_effect", type_="primary")
    op.create_primary_key("pk_contact_effect", "contact_effect", ["customer_id", "evidence_id", "revision"])
