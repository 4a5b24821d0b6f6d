"""A dead letter is known by its record too: a log that was made anew gives its offset to another one."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_1735"
down_revision = "20261128_1720"


def upgrade() -> None:
    op.create_index(
        "uq_dead_letter_record", "dead_letter", ["consumer", "topic", "partition", "offset", sa.text("md5(record)")], unique=True
    )
    op.drop_constraint("uq_dead_letter_consumer_topic_partition_offset", "dead_letter")
