"""What a digest notices, whatever the order of its rows, and when a difference is told."""

import random
from hashlib import md5

import pytest
from guanxi_common.digests.policy import (
    BUCKETS,
    Difference,
    bucket_of,
    confirmed,
    differences,
    hash_of,
    in_text,
    is_past,
    of_text,
    reduced,
)


def sums_of(rows: dict[str, str]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for key, content in rows.items():
        sums[bucket_of(key)] = sums.get(bucket_of(key), 0) + hash_of(content)
    return sums


ROWS = {f"customer-{n}": f"customer-{n}|2026-11-02|{n * 100}|CNY" for n in range(2_000)}


def test_a_hash_is_the_first_half_of_md5() -> None:
    """RFC 1321: MD5("abc") = 900150983cd24fb0d6963f7d28e17f72."""
    assert md5(b"abc", usedforsecurity=False).hexdigest() == "900150983cd24fb0d6963f7d28e17f72"
    assert (bucket_of("abc"), reduced(hash_of("abc"))) == (0x90, 0x900150983CD24FB0)


def test_rows_add_up_alike_in_any_order() -> None:
    shuffled = list(ROWS.items())
    random.Random(7).shuffle(shuffled)
    assert differences(sums_of(ROWS), sums_of(dict(shuffled))) == {}


@pytest.mark.parametrize("change", ["removed", "changed", "added"])
def test_d20_one_row_is_noticed_in_its_bucket(change: str) -> None:
    other = dict(ROWS)
    if change == "removed":
        del other["customer-7"]
    elif change == "changed":
        other["customer-7"] = other["customer-7"].replace("700", "701")
    else:
        other["customer-x"] = "new"
    bucket = bucket_of("customer-x" if change == "added" else "customer-7")
    assert list(differences(sums_of(ROWS), sums_of(other))) == [bucket]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({}, {3: (5, 6)}, []),  # the first time
        ({3: (5, 6)}, {3: (5, 6)}, [3]),
        ({3: (5, 6)}, {3: (6, 7)}, []),  # by the same, and something else is under way: two postings of the same content
        ({3: (5, 6)}, {3: (5, 7)}, []),
        ({3: (5, 6)}, {}, []),  # it arrived
        ({3: (5, 6), 9: (1, 0)}, {9: (1, 0), 3: (5, 6), 200: (7, 0)}, [3, 9]),
    ],
)
def test_d20_a_difference_is_told_when_it_stays(
    before: dict[int, Difference], now: dict[int, Difference], told: list[int]
) -> None:
    assert confirmed(before, now) == told


@pytest.mark.parametrize(
    ("positions", "past"),
    [
        ({"t[0]": 5, "t[1]": 9}, True),
        ({"t[0]": 4, "t[1]": 9}, False),
        ({"t[0]": 5}, False),
        ({"t[0]": 6, "t[1]": 10}, True),
        ({}, False),
    ],
)
def test_d20_a_consumer_compares_past_the_offsets_only(positions: dict[str, int], past: bool) -> None:
    assert is_past(positions, {"t[0]": 5, "t[1]": 9}) is past


def test_sums_travel_as_text_and_wrap_at_64_bits() -> None:
    sums = {0: -1, 7: 2**64 + 3, 255: 2**200}
    assert {bucket: value for bucket, value in of_text(in_text(sums)).items() if value} == {0: 2**64 - 1, 7: 3}
    assert len(in_text(sums)) == BUCKETS
    assert differences({0: 2**64}, {0: 0}) == {}
