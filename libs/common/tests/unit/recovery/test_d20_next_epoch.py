"""What number the next epoch has."""

from datetime import UTC, datetime

import pytest
from guanxi_common.recovery.epochs import next_epoch

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECONDS = 1_795_867_200


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (1, SECONDS),
        (SECONDS - 3_600, SECONDS),
        # A clock that was set back: still a later epoch.
        (SECONDS, SECONDS + 1),
        (SECONDS + 86_400, SECONDS + 86_401),
    ],
)
def test_d20_an_epoch_is_later_than_any_that_the_backup_cannot_know(current: int, expected: int) -> None:
    assert next_epoch(current, NOON) == expected
