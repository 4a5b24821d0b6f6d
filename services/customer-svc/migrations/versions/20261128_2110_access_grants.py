"""Break-glass: who read which customer beyond their own rows, why, until when, and what the review came to."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_2110"
down_revision = "20261128_2101"


def upgrade() -> None:
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.CheckConstraint("ends_at > granted_at", name=op.f("ck_access_grant_interval")),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (verdict IS NULL)",
            name=op.f("ck_access_grant_review"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_access_grant_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    op.create_index("ix_access_grant_customer", "access_grant", ["customer_id"])
    op.create_index("ix_access_grant_pending", "access_grant", ["granted_at"], postgresql_where=sa.text("reviewed_at IS NULL"))
    op.create_index("ix_access_grant_staff", "access_grant", ["staff_id", "ends_at"])
