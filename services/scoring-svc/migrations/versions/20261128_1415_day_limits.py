"""A day's sum says no more than the limit at which sums saturate (ADR 34): so two of them add up within eight bytes."""

from alembic import op

revision = "20261128_1415"
down_revision = "20261128_1410"

_LIMIT = 4 * 10**18


def upgrade() -> None:
    op.execute(
        f"UPDATE daily_activity SET credit_minor = least(credit_minor, {_LIMIT}), debit_minor = greatest(debit_minor, -{_LIMIT})"  # noqa: S608  # constants
        f" WHERE credit_minor > {_LIMIT} OR debit_minor < -{_LIMIT}"
    )
