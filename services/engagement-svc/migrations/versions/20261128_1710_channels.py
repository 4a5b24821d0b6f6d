"""One vocabulary of channels (D5): the word that stood for four of them stays in old records, as a value of its own."""

from alembic import op

revision = "20261128_1710"
down_revision = "20261128_1445"


def upgrade() -> None:
    op.execute("UPDATE interaction SET method = 'message_unspecified' WHERE method = 'message'")
    op.execute("UPDATE interaction SET method = 'branch' WHERE method = 'branch_meeting'")
    op.execute("UPDATE contact_reservation SET channel = 'message_unspecified' WHERE channel = 'message'")
    op.execute("UPDATE action SET channel = 'message_unspecified' WHERE channel = 'message'")
