"""What actions rest on (catalogue, holdings, customers), the queue, the plans, what was learnt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '20261125_0026'
down_revision = '20261125_1700'


def upgrade() -> None:
    op.create_table('action_due',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_due'))
    )
    op.create_index('ix_action_due_customer_id', 'action_due', ['customer_id'], unique=False)
    op.create_table('action_plan',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('first_planned_on', sa.Date(), nullable=True),
    sa.Column('hold_out', sa.Boolean(), nullable=False),
    sa.Column('fitting', sa.Integer(), nullable=False),
    sa.Column('considered', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_action_plan'))
    )
    op.create_index('ix_action_plan_planned_on', 'action_plan', ['planned_on', 'customer_id'], unique=False)
    op.create_table('action_lever',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('successes', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'channel', name=op.f('pk_action_lever'))
    )
    op.create_table('customer_facts',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('customer_type', sa.Text(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('known_since', sa.Date(), nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_customer_facts'))
    )
    op.create_table('product',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_product'))
    )
    op.create_table('holding',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('product_code', sa.Text(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('opened_on', sa.Date(), nullable=True),
    sa.Column('matures_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('balance_minor', sa.BigInteger(), nullable=True),
    sa.Column('balance_as_of', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('customer_id', 'account_id', name=op.f('pk_holding'))
    )
