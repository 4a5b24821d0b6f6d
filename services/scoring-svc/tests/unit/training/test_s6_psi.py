"""S6: the population stability index, against figures worked by hand."""

import math

import numpy as np
import pytest
from scoring_svc.training.distributions import Distribution, distribution_of, population_stability


def test_s6_psi_of_two_bins_is_the_sum_worked_by_hand() -> None:
    then = Distribution(edges=(10.0,), shares=(0.5, 0.5, 0.0), rows=1_000)
    now = np.array([1.0] * 700 + [10.0] * 100 + [11.0] * 200)
    by_hand = (0.8 - 0.5) * math.log(0.8 / 0.5) + (0.2 - 0.5) * math.log(0.2 / 0.5)
    # The empty bin of missing values counts as half a row of either sample, which is the same share here.
    assert population_stability(then, now) == pytest.approx(by_hand, abs=1e-9)


def test_s6_the_same_sample_has_no_drift_and_another_has() -> None:
    draws = np.random.default_rng(1)
    values = draws.normal(0, 1, 5_000)
    then = distribution_of(values)
    assert population_stability(then, values) == 0
    assert population_stability(then, draws.normal(0, 1, 5_000)) < 0.02
    assert population_stability(then, draws.normal(1, 1, 5_000)) > 0.5


def test_s6_missing_values_are_a_bin_of_their_own() -> None:
    values = np.arange(1_000, dtype=np.float64)
    then = distribution_of(values)
    half_gone = np.where(np.arange(1_000) % 2 == 0, np.nan, values)
    assert population_stability(then, half_gone) > 1
    assert sum(distribution_of(half_gone).shares) == pytest.approx(1)
    assert distribution_of(half_gone).shares[-1] == 0.5


def test_s6_few_distinct_values_make_few_bins() -> None:
    then = distribution_of(np.array([0.0] * 90 + [1.0] * 10))
    assert sum(then.shares) == pytest.approx(1)
    assert population_stability(then, np.array([0.0] * 90 + [1.0] * 10)) == 0
    assert population_stability(then, np.array([1.0] * 100)) > 0.25
    upside_down = distribution_of(np.array([0.0] * 3 + [1.0] * 97))
    assert population_stability(upside_down, np.array([0.0] * 50 + [1.0] * 50)) > 0.25


def test_s6_a_column_that_was_always_missing_has_one_bin() -> None:
    then = distribution_of(np.full(10, np.nan))
    assert (then.edges, then.shares) == ((), (0.0, 1.0))
    assert population_stability(then, np.array([])) == 0
