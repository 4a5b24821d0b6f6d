"""D12: one bounded type for every instant that comes from outside."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from guanxi_common.instants import bounded, from_milliseconds

WEST, EAST = timezone(timedelta(hours=-8)), timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("instant", "utc"),
    [
        (datetime(2026, 11, 23, 8, tzinfo=EAST), datetime(2026, 11, 23, 0, tzinfo=UTC)),
        (datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)),
        (datetime(1899, 12, 31, 16, tzinfo=WEST), datetime(1900, 1, 1, tzinfo=UTC)),
        (datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        (datetime(2201, 1, 1, 7, 59, 59, tzinfo=EAST), datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_d12_an_instant_of_the_years_1900_to_2200_in_utc_is_taken(instant: datetime, utc: datetime) -> None:
    assert bounded(instant) == utc
    assert bounded(instant).tzinfo is UTC


@pytest.mark.parametrize(
    "instant",
    [
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=WEST),
        datetime(1, 1, 1, tzinfo=EAST),
        datetime(2201, 1, 1, tzinfo=UTC),
        datetime(2200, 12, 31, 16, tzinfo=WEST),
        datetime(1900, 1, 1, 7, 59, tzinfo=EAST),
        datetime(2026, 11, 23),  # noqa: DTZ001  # which instant that is depends on who reads it
    ],
)
def test_d12_any_other_instant_is_refused(instant: datetime) -> None:
    with pytest.raises(ValueError, match="instant"):
        bounded(instant)


@pytest.mark.parametrize("milliseconds", [2**63 - 1, -(2**63), 10**15, -(10**14), 7_289_654_400_000])
def test_d12_a_count_of_milliseconds_outside_is_refused(milliseconds: int) -> None:
    with pytest.raises(ValueError, match="instant"):
        from_milliseconds(milliseconds)


def test_d12_a_count_of_milliseconds_is_an_instant() -> None:
    assert from_milliseconds(1_763_856_000_000) == datetime(2025, 11, 23, tzinfo=UTC)
    assert from_milliseconds(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
