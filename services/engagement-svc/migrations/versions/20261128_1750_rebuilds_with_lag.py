"""A rebuild knows apart what had its effects before it began, and how far there is to read."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1750"
down_revision = "20261128_1741"


def upgrade() -> None:
    op.add_column("consumer_position", sa.Column("read_until", sa.BigInteger(), nullable=True))
    op.execute("UPDATE consumer_position SET read_until = replay_until")
