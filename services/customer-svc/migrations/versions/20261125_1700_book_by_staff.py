"""Who assists, and who has just taken over, is found in the book without reading the whole of it."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_1700"
down_revision = "20261124_0024"


def upgrade() -> None:
    # Serves what its predecessor served, by the same first column.
    op.create_index(
        "ix_book_assignment_staff",
        "book_assignment",
        ["staff_id", "capacity", "valid_from"],
        unique=False,
        postgresql_where=sa.text("staff_id IS NOT NULL"),
    )
    op.drop_index("ix_book_assignment_staff_id", table_name="book_assignment")
