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


def test_s5_uplift_report_is_the_same_for_the_same_rows(report) -> None:
    table, treated, outcome, _ = _book(12_000, seed=4)
    assert uplift.judge_uplift(table, treated, outcome) == report
