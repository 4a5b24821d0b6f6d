"""D20: where reading goes on from a stored position."""

import pytest
from guanxi_common.messaging.positions import read_from


@pytest.mark.parametrize(
    ("position", "start", "end", "expected"),
    [
        (7, 0, 10, (7, None)),
        (10, 0, 10, (10, None)),
        (3, 3, 10, (3, None)),
        (0, 0, 0, (0, None)),
        (0, 3, 10, (3, None)),  # the whole log was asked for
        (2, 3, 10, (3, "below_start")),
        (11, 3, 10, (3, "beyond_end")),
        (5, 0, 0, (0, "beyond_end")),  # made anew
        (5, 9, 9, (9, "below_start")),  # all of it is past its retention
    ],
)
def test_d20_a_position_outside_of_the_log_starts_at_its_start(
    position: int, start: int, end: int, expected: tuple[int, str | None]
) -> None:
    assert read_from(position, start, end) == expected
