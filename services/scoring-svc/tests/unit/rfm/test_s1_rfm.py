"""S1: bands, cells and named groups."""

from dataclasses import replace

import numpy as np
import pytest
from guanxi_common.standards import parse_standards
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.rfm.policy import (
    ALL_CELLS,
    NO_CELL,
    RfmBounds,
    RfmStandard,
    cell,
    cells,
    migration,
    quintile_bounds,
)
from scoring_svc.standards import load_standards

STANDARD = load_standards(RfmStandard, "rfm")[0]


def columns(rows) -> list[np.ndarray]:
    return list(np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def test_s1_ten_customers_fall_into_five_bands_of_two() -> None:
    rows = [(day, day, day * 100) for day in range(1, 11)]
    bounds = quintile_bounds(*columns(rows), "run")
    assert bounds.recency_days == (2, 4, 6, 8)
    assert cells(bounds, *columns(rows)).tolist() == [511, 511, 422, 422, 333, 333, 244, 244, 155, 155]


def test_s1_ties_share_the_lower_band() -> None:
    rows = [(5, n, 1) for n in (1, 1, 1, 1, 1, 1, 1, 2, 3, 9)]
    bounds = quintile_bounds(*columns(rows), "run")
    assert bounds.frequency == (1, 1, 1, 2)
    assert [c // 10 % 10 for c in cells(bounds, *columns(rows)).tolist()] == [1] * 7 + [4, 5, 5]
    # All recencies are equal: nobody exceeds a bound, so everyone is in the best band of days and the lowest of money.
    assert {c // 100 for c in cells(bounds, *columns(rows)).tolist()} == {5}
    assert {c % 10 for c in cells(bounds, *columns(rows)).tolist()} == {1}


def test_s1_customers_without_an_act_have_no_cell_and_move_no_bound() -> None:
    active = [(day, day, day * 100) for day in range(1, 11)]
    silent = [(0, 0, 0)] * 90
    bounds = quintile_bounds(*columns(active + silent), "run")
    assert bounds == quintile_bounds(*columns(active), "run")
    assert set(cells(bounds, *columns(silent)).tolist()) == {NO_CELL}
    assert STANDARD.group(NO_CELL).code == "no_activity"
    with pytest.raises(ValueError, match="without any act"):
        quintile_bounds(*columns(silent), "run")


ROWS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), st.integers(-(10**9), 10**15)), min_size=1, max_size=80)


@given(ROWS.filter(lambda rows: any(f for _, f, _ in rows)), st.randoms())
def test_s1_bounds_do_not_depend_on_the_order_and_one_cell_equals_the_column(rows, random) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    bounds = quintile_bounds(*columns(rows), "run")
    assert bounds == quintile_bounds(*columns(shuffled), "run")
    assert cells(bounds, *columns(rows)).tolist() == [cell(bounds, *row) for row in rows]


@given(ROWS.filter(lambda rows: any(f for _, f, _ in rows)))
def test_s1_bounds_are_the_nearest_ranks_and_better_values_never_get_a_worse_band(rows) -> None:
    bounds = quintile_bounds(*columns(rows), "run")
    active = [row for row in rows if row[1]]
    for index, limits in enumerate((bounds.recency_days, bounds.frequency, bounds.monetary_minor)):
        ascending = sorted(row[index] for row in active)
        assert limits == tuple(ascending[-(-k * len(ascending) // 5) - 1] for k in (1, 2, 3, 4))
    by_money = sorted(active, key=lambda row: row[2])
    bands = [cell(bounds, *row) % 10 for row in by_money]
    assert bands == sorted(bands)


def test_s1_large_columns_in_blocks_equal_single_cells() -> None:
    rng = np.random.default_rng(4)
    book = rng.integers(0, 500, 70_000), rng.poisson(3, 70_000), rng.integers(0, 10**12, 70_000)
    bounds = quintile_bounds(*book, "run")
    got = cells(bounds, *book)
    sample = [*rng.integers(0, 70_000, 300).tolist(), 32_767, 32_768, 69_999]
    assert [int(got[i]) for i in sample] == [cell(bounds, *(int(column[i]) for column in book)) for i in sample]
    counts = np.bincount(got[got > 0] % 10)[1:]
    assert counts.max() - counts.min() <= 5  # distinct amounts: five equal bands


def test_s1_fixed_bands_are_data() -> None:
    bounds = STANDARD.bounds_for("CZK")
    assert bounds is not None
    assert cell(bounds, 7, 25, 60_000_001) == 555
    assert cell(bounds, 8, 2, 300_000) == 411
    assert STANDARD.bounds_for("XAF") is None


def test_s1_every_cell_has_one_group_with_a_name_in_both_languages() -> None:
    assert len(ALL_CELLS) == 125
    for one in ALL_CELLS:
        name = STANDARD.group(one).name
        assert name.en
        assert name.zh
    assert STANDARD.group(555).code == "champions"
    assert STANDARD.group(155).code == "cannot_lose"
    assert STANDARD.group(111).code == "hibernating"
    assert STANDARD.group(233).code == "at_risk"


def test_s1_groups_that_leave_a_cell_without_a_name_are_refused() -> None:
    only = {"code": "x", "zh": "x", "en": "x", "r": [1, 5], "f": [1, 5], "m": [1, 4]}
    version = {
        "version": 1, "author": "a", "effective_from": "2026-01-01", "reason": "r", "windows_days": [90], "method": "quintile",
        "fixed_bands": [], "groups": [only], "no_activity": only,
    }  # fmt: skip
    with pytest.raises(ValueError, match="no group holds"):
        parse_standards(RfmStandard, [version])
    with pytest.raises(ValueError, match="ascend"):
        RfmBounds((4, 3, 5, 6), (1, 2, 3, 4), (1, 2, 3, 4), "x")


def test_s1_migration_between_two_dates() -> None:
    moves = [(555, 555, 3), (554, 555, 1), (555, 155, 1), (155, 111, 1), (NO_CELL, 511, 7), (NO_CELL, NO_CELL, 9)]
    assert migration(STANDARD, moves) == {
        ("cannot_lose", "hibernating"): 1,
        ("champions", "cannot_lose"): 1,
        ("champions", "champions"): 4,
        ("no_activity", "new_or_returning"): 7,
    }


def test_s1_the_method_of_the_standard_says_which_bounds_are_in_force() -> None:
    frozen = {"CNY": RfmBounds((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4), "run-1")}
    assert STANDARD.method == "quintile"
    assert STANDARD.bounds_in_force("CNY", frozen) is frozen["CNY"]
    assert STANDARD.bounds_in_force("CZK", frozen) is None
    fixed = replace(STANDARD, method="fixed")
    assert fixed.bounds_in_force("CNY", frozen) == STANDARD.bounds_for("CNY")
    assert fixed.bounds_in_force("XAF", frozen) is None
