"""S5: on a simulated book with known uplift the interval covers the truth, and the uplift model finds those whom a contact moves."""

import numpy as np
import pytest
from scoring_svc.training import uplift
from scoring_svc.training.table import InvalidFile, Table


def _book(rows: int, seed: int):
    """Half treated at random. Wealth brings the outcome by itself; two traits decide whom the treatment moves."""
    draws = np.random.default_rng(seed)
    wealth, warmth, age = draws.normal(size=(3, rows))
    treated = draws.random(rows) < 0.5
    base = 1 / (1 + np.exp(1.0 - 1.5 * wealth))
    moved = np.clip(0.12 * (warmth > 0) + 0.12 * (age < 0) - 0.06, None, 1 - base)
    moved = np.maximum(moved, -base)
    outcome = draws.random(rows) < base + treated * moved
    return Table({"wealth": wealth, "warmth": warmth, "age": age}), treated, outcome, float(moved.mean())


@pytest.fixture(scope="module")
def report() -> uplift.UpliftReport:
    table, treated, outcome, _ = _book(12_000, seed=4)
    return uplift.judge_uplift(table, treated, outcome)


def _of(report: uplift.UpliftReport, name: str) -> uplift.Ranking:
    return next(ranking for ranking in report.rankings if ranking.name == name)


def test_s5_uplift_interval_covers_the_truth_at_about_the_stated_rate() -> None:
    covered = 0
    for seed in range(400):
        _, treated, outcome, truth = _book(1500, seed)
        interval = uplift.effect(treated, outcome).difference
        covered += interval.low <= truth <= interval.high
    assert 0.925 <= covered / 400 <= 0.98


def test_s5_uplift_of_nothing_is_covered_too() -> None:
    draws = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        treated, outcome = draws.random(800) < 0.2, draws.random(800) < 0.04
        interval = uplift.effect(treated, outcome).difference
        covered += interval.low <= 0 <= interval.high
    assert covered / 400 >= 0.93


def test_s5_uplift_model_beats_the_response_only_model(report) -> None:
    model = _of(report, uplift.TWO_MODELS)
    assert model.qini.low > 0
    assert model.over_response.low > 0
    assert model.gain[2] > _of(report, uplift.RESPONSE_ONLY).gain[2]


def test_s5_uplift_of_the_response_only_model_is_no_better_than_chance(report) -> None:
    response = _of(report, uplift.RESPONSE_ONLY)
    assert response.qini.low < 0.005
    assert response.over_response.value == 0


def test_s5_uplift_rule_takes_a_column_that_matters_for_the_effect(report) -> None:
    assert report.rule in {"warmth", "age"}
    assert _of(report, uplift.TWO_MODELS).qini.value > _of(report, uplift.ONE_COLUMN).qini.value


def test_s5_uplift_tenths_hold_every_row_once_and_end_at_the_whole_effect(report) -> None:
    for ranking in report.rankings:
        assert sum(part.treated_rows + part.untreated_rows for part in ranking.deciles) == 12_000
        assert ranking.gain[-1] == pytest.approx(report.effect.difference.value)
    first, last = _of(report, uplift.TWO_MODELS).deciles[0], _of(report, uplift.TWO_MODELS).deciles[-1]
    assert first.difference.value > last.difference.value


def test_s5_uplift_by_category_ranks_an_unknown_one_in_the_middle() -> None:
    draws = np.random.default_rng(2)
    segment = draws.choice(["calls", "letters"], size=4000)
    treated = draws.random(4000) < 0.5
    outcome = draws.random(4000) < 0.2 + 0.2 * (treated & (segment == "calls")) - 0.1 * (treated & (segment == "letters"))
    column, rule = uplift.best_column(Table({"noise": draws.normal(size=4000), "segment": segment}), treated, outcome)
    assert column == "segment"
    calls, unknown, letters = rule(np.array(["calls", "never seen", "letters"]))
    assert calls > unknown > letters


def test_s5_uplift_is_refused_where_an_arm_is_too_small() -> None:
    table, treated, outcome, _ = _book(2000, seed=1)
    few = treated & (np.arange(2000) < 60)
    with pytest.raises(InvalidFile, match="of the treated rows"):
        uplift.judge_uplift(table, few, outcome)


def test_s5_uplift_report_is_the_same_for_the_same_rows_in_any_order(report) -> None:
    table, treated, outcome, _ = _book(12_000, seed=4)
    order = np.lexsort((table.columns["age"], outcome))
    assert uplift.judge_uplift(table.take(order), treated[order], outcome[order]) == report


HIGH, LOW = ([1, 1, 0, 0], [1, 1, 0, 0]), ([1, 1, 0, 0], [0, 0, 0, 0])
"""Treated, outcome: in HIGH the treatment brings the outcome, in LOW nothing does."""


@pytest.mark.parametrize("shuffle", range(3))
@pytest.mark.parametrize(
    ("scores", "qini", "gain"),
    [
        # One step: the straight line of treating at random, whatever the effect.
        ([1, 1], 0.0, [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]),
        # Up to (1/2, 1/2), then level: 1/8 + 1/4, less the triangle of 1/4.
        ([2, 1], 0.125, [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
        # Level, then up: 1/8 less 1/4.
        ([1, 2], -0.125, [0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_s5_rows_ranked_alike_are_one_step_of_the_qini_curve(scores, qini, gain, shuffle) -> None:
    order = np.random.default_rng(shuffle).permutation(8)
    treated, outcome = (np.array([*high, *low], dtype=bool)[order] for high, low in zip(HIGH, LOW, strict=True))
    score = np.repeat(np.array(scores, dtype=np.float64), 4)[order]
    ranking = uplift.rank("by hand", score, treated, outcome, np.zeros(401))
    assert ranking.qini.value == pytest.approx(qini)
    assert ranking.gain == pytest.approx(gain)


def test_s5_a_file_sorted_by_treatment_leaves_no_tenth_without_an_arm() -> None:
    treated = np.arange(400) < 100
    outcome = np.arange(400) % 4 == 0
    ranking = uplift.rank("all alike", np.ones(400), treated, outcome, np.zeros(401))
    assert ranking.qini.value == 0
    for part in ranking.deciles:
        assert (part.treated_rows, part.untreated_rows) == pytest.approx((10, 30))
        assert (part.treated_share, part.untreated_share) == pytest.approx((0.25, 0.25))


def test_s5_a_tenth_without_an_arm_says_so() -> None:
    treated = np.arange(400) < 100
    ranking = uplift.rank("the treated first", -np.arange(400.0), treated, np.arange(400) % 4 == 0, np.zeros(401))
    first, last = ranking.deciles[0], ranking.deciles[-1]
    assert (first.treated_share, first.untreated_share, first.difference) == (0.25, None, None)
    assert (last.treated_share, last.untreated_share, last.difference) == (None, 0.25, None)


def test_s5_a_trial_of_categories_without_effect_gives_the_same_figures_in_three_orders() -> None:
    draws = np.random.default_rng(11)
    table = Table({"segment": draws.choice(["a", "b", "c"], size=1200), "outlets": draws.integers(1, 3, 1200).astype(np.float64)})
    treated, outcome = draws.random(1200) < 0.5, draws.random(1200) < 0.3
    orders = (np.arange(1200), np.argsort(treated, kind="stable"), np.lexsort((treated, outcome)))
    first, *others = (uplift.judge_uplift(table.take(order), treated[order], outcome[order]) for order in orders)
    assert others == [first, first]
    for ranking in first.rankings:
        assert ranking.qini.low < 0 < ranking.qini.high
        assert all(part.difference is not None for part in ranking.deciles)
