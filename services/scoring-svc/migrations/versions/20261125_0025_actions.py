"""The recommended actions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '20261125_0025'
down_revision = '20261124_0024'


def upgrade() -> None:
    op.create_table('action',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('action_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('reason_code', sa.Text(), nullable=False),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('product_code', sa.Text(), nullable=True),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('content', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('price', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('priority_bp', sa.Integer(), nullable=False),
    sa.Column('value_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('propensity_bp', sa.Integer(), nullable=False),
    sa.Column('chosen_probability_bp', sa.Integer(), nullable=False),
    sa.Column('due_within_hours', sa.Integer(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('model_version', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('closed_because', sa.Text(), nullable=True),
    sa.Column('recommended_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recommended_on', sa.Date(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', 'action_id', name=op.f('pk_action'))
    )
    op.create_index('ix_action_expires_on', 'action', ['expires_on', 'action_id'], unique=False)
    op.create_index('ix_action_ranked', 'action', ['state', 'priority_bp', 'action_id'], unique=False)
