"""Quiet hours in the replica of customers."""

import sqlalchemy as sa
from alembic import op
revision = '20261125_1930'
down_revision = '20261125_1734'


def upgrade() -> None:
    op.add_column('customer', sa.Column('quiet_from', sa.Time(), nullable=True))
    op.add_column('customer', sa.Column('quiet_to', sa.Time(), nullable=True))
