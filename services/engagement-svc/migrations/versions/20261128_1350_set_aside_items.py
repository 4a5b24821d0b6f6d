"""Items of a queue that fail by themselves (D18)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1350"
down_revision = "20261128_1340"


def upgrade() -> None:
    op.create_table(
        "set_aside_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("first_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(item) <= 200 AND length(reason) <= 100 AND length(error) <= 500", name=op.f("ck_set_aside_item_bounded")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside_item")),
        sa.UniqueConstraint("queue", "item", name=op.f("uq_set_aside_item_queue_item")),
    )
    op.create_index("ix_set_aside_item_list", "set_aside_item", ["last_failed_at", "id"])
    op.create_index("ix_set_aside_item_open", "set_aside_item", ["queue"], postgresql_where=sa.text("retry_at IS NULL"))
