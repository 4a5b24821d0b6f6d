"""Operations: work that outlasts its request (D9)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_2025"
down_revision = "20261128_2010"


def upgrade() -> None:
    _create_operation()
    op.create_index(
        "ix_operation_open",
        "operation",
        ["kind", "moved_at", "id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_operation_list", "operation", ["requested_at", "id"])
    op.create_index("ix_operation_requested_by", "operation", ["requested_by", "requested_at", "id"])
    op.create_index(
        "uq_operation_start_key",
        "operation",
        ["kind", "start_key"],
        unique=True,
        postgresql_where=sa.text("start_key IS NOT NULL"),
    )
    op.create_table(
        "operation_error",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail_en", sa.Text(), nullable=False),
        sa.Column("detail_zh", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "length(item) <= 255 AND length(code) <= 100 AND length(detail_en) <= 500 AND length(detail_zh) <= 500",
            name=op.f("ck_operation_error_bounded"),
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operation.id"],
            name=op.f("fk_operation_error_operation_id_operation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("pk_operation_error")),
    )


def _create_operation() -> None:
    op.create_table(
        "operation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("start_key", sa.Text(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("rows_failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancellable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("checkpoint", postgresql.JSONB(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_en", sa.Text(), nullable=True),
        sa.Column("failure_zh", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_operation_state")),
        sa.CheckConstraint(
            "length(parameters::text) <= 65536 AND length(checkpoint::text) <= 65536 AND length(result::text) <= 65536",
            name=op.f("ck_operation_bounded"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
