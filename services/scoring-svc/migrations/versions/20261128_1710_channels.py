"""One vocabulary of channels, and what an action needs consent for (D5). What worked by the word that stood for four stays apart."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1710"
down_revision = "20261128_1445"


def upgrade() -> None:
    op.add_column("action", sa.Column("consent_purpose", sa.Text(), nullable=True))
    op.execute("UPDATE action SET channel = 'message_unspecified' WHERE channel = 'message'")
    op.execute("UPDATE action_lever SET channel = 'message_unspecified' WHERE channel = 'message'")
