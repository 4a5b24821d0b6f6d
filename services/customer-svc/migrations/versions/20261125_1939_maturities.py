"""When an account matures."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1939"
down_revision = "20261125_1920"


def upgrade() -> None:
    op.add_column("account", sa.Column("matures_on", sa.Date(), nullable=True))
