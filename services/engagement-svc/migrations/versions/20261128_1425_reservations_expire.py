"""Reservations expire with their period: the open ones by period, and the action for which one was made (D5)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1425"
down_revision = "20261128_1417"


def upgrade() -> None:
    op.create_index(
        "ix_contact_reservation_open",
        "contact_reservation",
        ["period_start", "id"],
        postgresql_where=sa.text("state = 'reserved'"),
    )
    op.create_index("ix_action_reservation", "action", ["reservation_id"], postgresql_where=sa.text("state = 'accepted'"))
