"""A refusal that comes after the answer has no topic."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1705"
down_revision = "20261128_1445"


def upgrade() -> None:
    op.alter_column("inbound_rejection", "topic", existing_type=sa.Text(), nullable=True)
