"""One vocabulary of channels (D5): the word that stood for four of them stays in old statements, as a value of its own."""

from alembic import op

revision = "20261128_1710"
down_revision = "20261128_1705"


def upgrade() -> None:
    op.execute("UPDATE consent SET channel = 'message_unspecified' WHERE channel = 'message'")
    op.execute(
        "UPDATE contact_preferences SET preferred_channels = array_replace(preferred_channels, 'message', 'message_unspecified')"
        " WHERE 'message' = ANY (preferred_channels)"
    )
