"""Actions that are worked on, the contact budget, and what the customer has agreed to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '20261125_1705'
down_revision = '20261125_1700'


def upgrade() -> None:
    op.add_column('customer', sa.Column('max_contacts', sa.Integer(), nullable=True))
    op.add_column('customer', sa.Column('contact_period_days', sa.Integer(), nullable=True))
    op.add_column('customer', sa.Column('consents', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table('action',
    sa.Column('action_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('product_code', sa.Text(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('reservation_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('standards_version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('action_id', name=op.f('pk_action'))
    )
    op.create_index('ix_action_task', 'action', ['task_id'], unique=True, postgresql_where=sa.text('task_id IS NOT NULL'))
    op.create_index('ix_action_expiry', 'action', ['expires_on'], unique=False, postgresql_where=sa.text("state = 'accepted'"))
    op.create_table('contact_budget',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('per_days', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.Column('reserved', sa.Integer(), nullable=False),
    sa.Column('overdrawn', sa.Integer(), nullable=False),
    sa.CheckConstraint('used >= 0 AND reserved >= 0 AND overdrawn >= 0', name=op.f('ck_contact_budget_counts')),
    sa.PrimaryKeyConstraint('customer_id', 'period_start', 'per_days', name=op.f('pk_contact_budget'))
    )
    op.create_table('contact_reservation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('per_days', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('overdrawn', sa.Boolean(), nullable=False),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('reserved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_reservation'))
    )
    op.create_index('ix_contact_reservation_customer', 'contact_reservation', ['customer_id', 'period_start'], unique=False)
