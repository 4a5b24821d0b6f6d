"""Tasks with subject, origin and how they ended; contacts that were answered; complaints that were acknowledged (D1)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1741"
down_revision = "20261128_1735"

_UUID = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"


def upgrade() -> None:
    op.add_column("task", sa.Column("subject_type", sa.Text(), server_default=sa.text("'customer'"), nullable=False))
    op.add_column("task", sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.add_column("task", sa.Column("origin_kind", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("origin_id", sa.Uuid(), nullable=True))
    op.add_column("task", sa.Column("ended_because", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("ended_by", sa.Text(), nullable=True))
    op.add_column("interaction", sa.Column("replied", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("complaint", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaint", sa.Column("acknowledged_by", sa.Uuid(), nullable=True))
    op.add_column("complaint", sa.Column("acknowledged_through", sa.Text(), nullable=True))
    op.execute(f"""
        UPDATE task SET subject_id = customer_id, origin_kind = split_part(origin, ':', 1),
            origin_id = CASE WHEN split_part(origin, ':', 2) ~ {_UUID} THEN split_part(origin, ':', 2)::uuid END,
            ended_because = CASE
                WHEN state = 'completed' THEN 'answered'
                WHEN completed_by LIKE 'action\\_withdrawn:%' THEN 'withdrawn'
                WHEN completed_by LIKE 'declined\\_by:%' THEN 'declined'
                WHEN state = 'cancelled' THEN 'expired'
            END,
            ended_by = CASE
                WHEN state = 'completed' THEN completed_by
                WHEN completed_by LIKE 'action\\_withdrawn:%' THEN origin
                WHEN completed_by LIKE 'declined\\_by:%' THEN 'staff:' || split_part(completed_by, ':', 2)
                WHEN state = 'cancelled' THEN 'system'
            END
    """)
