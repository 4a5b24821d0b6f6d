"""The product catalogue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_1940"
down_revision = "20261125_1939"


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_product")),
    )
    op.create_table(
        "product_version",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("risk_class", sa.Integer(), nullable=False),
        sa.Column("margin_bp", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("price", postgresql.JSONB(), nullable=True),
        sa.Column("eligibility", postgresql.JSONB(), nullable=False),
        sa.Column("consent_purpose", sa.Text(), nullable=False),
        sa.Column("links", postgresql.JSONB(), nullable=False),
        sa.Column("holds_from_account_codes", postgresql.JSONB(), nullable=False),
        sa.Column("talking_points", postgresql.JSONB(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_product_version_interval")),
        sa.ForeignKeyConstraint(["code"], ["product.code"], name=op.f("fk_product_version_code_product")),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_product_version")),
    )
