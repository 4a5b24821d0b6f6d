"""D18: sums that leave eight bytes (ADR 34)."""

import numpy as np
import pytest
from guanxi_common.money import POSTING_LIMIT, SUM_LIMIT, saturated
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.concentration.policy import concentration, exact_sum

INT8 = 2**63 - 1


@given(st.lists(st.integers(-(2**63), INT8), max_size=50))
def test_d18_a_sum_over_a_book_is_exact(values: list[int]) -> None:
    assert exact_sum(np.array(values, dtype=np.int64)) == sum(values)
    at_the_limit = np.full(100_000, INT8)
    assert exact_sum(at_the_limit) == 100_000 * INT8


def test_d18_one_huge_customer_leaves_the_concentration_right() -> None:
    found = concentration(np.array([SUM_LIMIT] * 4 + [0] * 6), (10, 40))
    assert found.total_minor == 4 * SUM_LIMIT
    assert [one.share_bp for one in found.top] == [2_500, 10_000]
    assert found.gini == pytest.approx(0.6)


def test_d18_two_saturated_sums_add_up_within_eight_bytes() -> None:
    assert 2 * SUM_LIMIT <= INT8
    assert POSTING_LIMIT < SUM_LIMIT


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        (0, 0),
        (-1, -1),
        (SUM_LIMIT, SUM_LIMIT),
        (SUM_LIMIT + 1, SUM_LIMIT),
        (-SUM_LIMIT - 1, -SUM_LIMIT),
        (18_000 * POSTING_LIMIT, SUM_LIMIT),
        (3_999 * POSTING_LIMIT, 3_999 * POSTING_LIMIT),
    ],
)
def test_d18_a_kept_sum_is_exact_up_to_the_limit(amount: int, kept: int) -> None:
    assert saturated(amount) == kept
