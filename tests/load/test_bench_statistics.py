"""The statistics of `make bench`."""

import pytest

from tests.load.measure import Figures, row, take_turns

pytestmark = pytest.mark.anyio

FIGURES = Figures({"ours": (10.0, 30.0, 8.0), "peer": (5.0, 10.0, 8.0)})


def test_a_ratio_is_taken_round_by_round() -> None:
    assert FIGURES.ratio("ours", "peer") == (2.0, 1.0, 3.0)
    assert FIGURES.median("ours") == 10.0


def test_a_target_is_met_by_the_median_alone() -> None:
    assert row("path", FIGURES, "peer", "rows/s", 2).met is True
    assert row("path", FIGURES, "peer", "rows/s", 2.5).met is False
    assert row("path", FIGURES, "peer", "rows/s", None).met is None


async def test_contenders_take_turns_and_the_warm_up_is_thrown_away() -> None:
    order: list[str] = []

    async def ours() -> int:
        order.append("ours")
        return 1

    async def peer() -> int:
        order.append("peer")
        return 1

    figures = await take_turns({"ours": ours, "peer": peer}, rounds=2)
    assert order == ["ours", "peer"] * 3
    assert {name: len(rates) for name, rates in figures.rates.items()} == {"ours": 2, "peer": 2}
