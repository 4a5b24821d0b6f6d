"""C11: up at once, down after the grace, and back without a trace of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from customer_svc.tiers.policy import Tier, TierStandard, TierState, ends_on, review
from guanxi_common.errors import Text

TODAY = date(2026, 11, 25)
GRACE = 90


def tier(code: str, **from_minor: int) -> Tier:
    return Tier(code, Text(code, code), from_minor)


def standard(*tiers: Tier) -> TierStandard:
    return TierStandard(
        1, "test", TODAY, "test", GRACE, tiers or (tier("high", CNY=1_000, EUR=100), tier("low", CNY=200, EUR=20))
    )


@pytest.mark.parametrize(
    ("assets", "reached"),
    [
        ({}, None),
        ({"CNY": 199}, None),
        ({"CNY": 200}, "low"),
        ({"CNY": 999}, "low"),
        ({"CNY": 1_000}, "high"),
        ({"CNY": 199, "EUR": 100}, "high"),
        ({"CNY": 199, "EUR": 19}, None),
        ({"USD": 10**12}, None),
    ],
)
def test_c11_the_best_currency_counts_and_a_threshold_is_reached_at_its_value(
    assets: dict[str, int], reached: str | None
) -> None:
    assert standard().reached(assets) == reached


def test_c11_who_has_nothing_reaches_no_tier_however_low() -> None:
    assert standard(tier("low", CNY=1)).reached({}) is None
    assert standard(tier("low", CNY=1)).reached({"CNY": -5}) is None
    assert standard(tier("all", CNY=0)).reached({}) == "all"


def test_c11_the_order_and_the_names_of_the_tiers() -> None:
    assert [standard().rank(code) for code in ("high", "low", None, "gone")] == [0, 1, 2, 2]
    assert [standard().name(code) for code in ("high", "low", "gone")] == [Text("high", "high"), Text("low", "low"), None]


def test_c11_up_at_once_and_from_nothing() -> None:
    assert review(TierState(None, TODAY), "high", TODAY, standard()) == TierState("high", TODAY)
    below = TierState("low", TODAY - timedelta(days=9), TODAY - timedelta(days=1))
    assert review(below, "high", TODAY, standard()) == TierState("high", TODAY)


@pytest.mark.parametrize("reached", ["low", None])
def test_c11_down_only_after_the_whole_grace_to_what_is_reached_then(reached: str | None) -> None:
    state = TierState("high", TODAY)
    for day in range(GRACE):
        state = review(state, reached, TODAY + timedelta(days=day), standard())
        assert state == TierState("high", TODAY, TODAY)
    end = TODAY + timedelta(days=GRACE)
    assert ends_on(TODAY, standard()) == end
    assert review(state, reached, end, standard()) == TierState(reached, end)


def test_c11_back_above_in_time_the_grace_begins_anew() -> None:
    fallen = review(TierState("high", TODAY), "low", TODAY, standard())
    back = review(fallen, "high", TODAY + timedelta(days=89), standard())
    assert back == TierState("high", TODAY)
    again = review(back, None, TODAY + timedelta(days=90), standard())
    assert again == TierState("high", TODAY, TODAY + timedelta(days=90))


def test_c11_a_tier_that_the_standard_no_longer_has_is_left_at_once() -> None:
    assert review(TierState("gone", TODAY - timedelta(days=1)), None, TODAY, standard()) == TierState(None, TODAY)
    assert review(TierState("gone", TODAY - timedelta(days=1)), "low", TODAY, standard()) == TierState("low", TODAY)


def test_c11_a_standard_whose_tiers_are_not_in_order_is_refused() -> None:
    with pytest.raises(ValueError, match="harder to reach"):
        standard(tier("high", CNY=100), tier("low", CNY=100))
    assert standard(tier("high", CNY=100), tier("low", CNY=50, EUR=10)).reached({"EUR": 10**9}) == "low"
    with pytest.raises(ValueError, match="harder to reach"):
        standard(tier("high", CNY=1_000, EUR=10), tier("low", CNY=100, EUR=20))
    with pytest.raises(ValueError, match="described once"):
        standard(tier("one", CNY=100), tier("one", CNY=50))


def test_c11_without_a_grace_a_tier_is_lost_at_once_and_no_grace_is_negative() -> None:
    strict = replace(standard(), grace_days=0)
    assert review(TierState("high", TODAY - timedelta(days=9)), "low", TODAY, strict) == TierState("low", TODAY)
    with pytest.raises(ValueError, match="grace"):
        replace(standard(), grace_days=-1)
