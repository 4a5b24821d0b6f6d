"""A proposal names who takes over the customers of whom it concerns (D11)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1825"
down_revision = "20261128_1820"


def upgrade() -> None:
    op.add_column("directory_proposal", sa.Column("hand_over_to", sa.Uuid(), nullable=True))
