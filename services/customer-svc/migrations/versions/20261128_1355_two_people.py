"""Proposals about the directory, and who made each of its changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '20261128_1355'
down_revision = '20261128_1350'


def upgrade() -> None:
    op.create_table('directory_change',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('how', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_change'))
    )
    op.create_index('ix_directory_change_entry', 'directory_change', ['entry_id', 'changed_at'], unique=False)
    op.create_index('ix_directory_change_changed_at', 'directory_change', ['changed_at'], unique=False)
    op.create_table('directory_proposal',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('base_version', sa.BigInteger(), nullable=False),
    sa.Column('entry', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('changes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Uuid(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=True),
    sa.CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn')", name=op.f('ck_directory_proposal_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_proposal'))
    )
    op.create_index('ix_directory_proposal_proposed_at', 'directory_proposal', ['proposed_at', 'id'], unique=False)
