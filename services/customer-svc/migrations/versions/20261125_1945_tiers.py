"""Tiers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '20261125_1945'
down_revision = '20261125_1940'


def upgrade() -> None:
    op.create_table('customer_tier',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('tier', sa.Text(), nullable=True),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('below_since', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_customer_tier_customer_id_customer')),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_customer_tier'))
    )
    op.create_index('ix_customer_tier_below', 'customer_tier', ['below_since'], unique=False, postgresql_where=sa.text('below_since IS NOT NULL'))
    op.create_table('tier_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('tier', sa.Text(), nullable=True),
    sa.Column('before', sa.Text(), nullable=True),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('assets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('standard_version', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_tier_change_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tier_change'))
    )
    op.create_index('ix_tier_change_customer', 'tier_change', ['customer_id', 'effective_on', 'id'], unique=False)
    op.create_table('tier_due',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_tier_due'))
    )
