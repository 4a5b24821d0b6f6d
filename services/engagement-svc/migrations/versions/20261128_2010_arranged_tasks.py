"""Tasks that are put off, and tasks that the assistant works (D1)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_2010"
down_revision = "20261128_2000"


def upgrade() -> None:
    op.add_column("task", sa.Column("assignee_id", sa.Uuid(), nullable=True))
    op.add_column("task", sa.Column("visible_from", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_task_snoozed",
        "task",
        ["visible_from"],
        postgresql_where=sa.text("state = 'open' AND visible_from IS NOT NULL"),
    )
    op.create_index(
        "ix_task_delegated",
        "task",
        ["assignee_id"],
        postgresql_where=sa.text("state = 'open' AND assignee_id IS NOT NULL"),
    )
