"""What customers agree to and may be offered: consents, contact preferences, risk profiles, vulnerabilities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_1920"
down_revision = "20261125_1700"


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("data_origin", sa.Text(), nullable=False),
        sa.CheckConstraint("NOT granted OR text_version IS NOT NULL", name=op.f("ck_consent_text")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_consent_customer_id_customer")),
        sa.PrimaryKeyConstraint("customer_id", "version", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_latest", "consent", ["customer_id", "purpose", "channel", "version"], unique=False)
    op.create_table(
        "contact_preferences",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("preferred_channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("quiet_from", sa.Text(), nullable=True),
        sa.Column("quiet_to", sa.Text(), nullable=True),
        sa.Column("max_contacts", sa.Integer(), nullable=True),
        sa.Column("per_days", sa.Integer(), nullable=True),
        sa.Column("agreed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name=op.f("ck_contact_preferences_quiet_hours")),
        sa.CheckConstraint("(max_contacts IS NULL) = (per_days IS NULL)", name=op.f("ck_contact_preferences_contact_limits")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_preferences_customer_id_customer")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_contact_preferences")),
    )
    op.create_table(
        "risk_profile",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("questionnaire", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_origin", sa.Text(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 5", name=op.f("ck_risk_profile_level")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_risk_profile_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_profile")),
    )
    op.create_index("ix_risk_profile_customer", "risk_profile", ["customer_id", "assessed_on", "id"], unique=False)
    op.create_table(
        "vulnerability",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("data_origin", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(resolved_on IS NULL) = (resolution_sealed IS NULL) AND (resolved_on IS NULL) = (resolved_by IS NULL)",
            name=op.f("ck_vulnerability_resolution"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_vulnerability_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vulnerability")),
    )
    op.create_index("ix_vulnerability_customer", "vulnerability", ["customer_id", "opened_on"], unique=False)
