"""What was recorded of a contact, so that the reason of a score says it (8.C State told)."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1755"
down_revision = "20261128_1750"


def upgrade() -> None:
    op.add_column("contact_effect", sa.Column("result", sa.Text(), nullable=True))
    op.add_column("contact_effect", sa.Column("effect", sa.Text(), nullable=True))
