"""The register of models; what engagement tells beside contacts; the nightly comparison of scores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261125_1640'
down_revision = '20261125_0025'


def upgrade() -> None:
    op.create_table('engagement_fact',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('value', sa.Integer(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', 'subject_id', 'kind', name=op.f('pk_engagement_fact'))
    )
    op.create_table('model_training',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('request', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_training'))
    )
    op.create_index('ix_model_training_open', 'model_training', ['requested_at'], unique=False, postgresql_where=sa.text("state = 'queued'"))
    op.create_table('model_version',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('trained_by', sa.Text(), nullable=False),
    sa.Column('trained_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('training', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('back_test', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('distributions', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('card', sa.Text(), nullable=False),
    sa.Column('artefact_text', sa.Text(), nullable=False),
    sa.Column('artefact_members', sa.LargeBinary(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_version')),
    sa.UniqueConstraint('name', 'number', name=op.f('uq_model_version_name_number'))
    )
    op.create_index('ix_model_version_trained_at', 'model_version', ['trained_at', 'id'], unique=False)
    op.create_index('ix_model_version_active', 'model_version', ['name'], unique=True, postgresql_where=sa.text("state = 'active'"))
    op.create_index('ix_model_version_challenger', 'model_version', ['name'], unique=True, postgresql_where=sa.text("state = 'challenger'"))
    op.create_table('model_step',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('model_id', sa.Uuid(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=True),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('author', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('falls_back_to', sa.Uuid(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_step'))
    )
    op.create_index('ix_model_step_model', 'model_step', ['model_id', 'id'], unique=False)
    op.create_table('model_drift',
    sa.Column('model_id', sa.Uuid(), nullable=False),
    sa.Column('measured_on', sa.Date(), nullable=False),
    sa.Column('customers', sa.Integer(), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('model_id', 'measured_on', name=op.f('pk_model_drift'))
    )
    op.create_table('score_check',
    sa.Column('checked_on', sa.Date(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sampled', sa.Integer(), nullable=False),
    sa.Column('mismatches', sa.Integer(), nullable=False),
    sa.Column('differing', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('checked_on', name=op.f('pk_score_check'))
    )
