"""S2: how a fit behaves: derivatives, order of rows, warm start, standard errors, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_svc.lifetime import bgnbd, gamma_gamma, pareto_nbd
from scoring_svc.lifetime.fit import Fit, FitRefused, FitSettings, Refusal
from scoring_svc.lifetime.sufficient import InvalidHistory, compress, summarise

MODELS = [(bgnbd, (0.3, 5.0, 1.1, 2.0)), (pareto_nbd, (0.5, 10.0, 0.7, 12.0)), (pareto_nbd, (0.5, 13.0, 0.7, 9.0))]


@pytest.fixture
def histories(cdnow_summary):
    return compress(cdnow_summary.frequency, cdnow_summary.recency, cdnow_summary.age, ticks_per_unit=100.0)


def assert_derivatives(objective, theta) -> None:
    """Central differences of value and gradient agree with the analytic gradient and Hessian."""
    _, gradient, hessian = objective(theta)
    assert np.allclose(hessian, hessian.T, rtol=1e-12)
    for i, parameter in enumerate(theta):
        step = np.zeros(theta.size)
        step[i] = parameter * 1e-5
        above, below = objective(theta + step), objective(theta - step)
        assert (above[0] - below[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5)
        np.testing.assert_allclose((above[1] - below[1]) / (2 * step[i]), hessian[i], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("model", "theta"), MODELS)
def test_s2_gradient_and_hessian_are_exact(model, theta, histories) -> None:
    assert_derivatives(model.log_likelihood(histories), np.array(theta))


def test_s2_gamma_gamma_gradient_and_hessian_are_exact(cdnow_summary) -> None:
    repeating = cdnow_summary.frequency > 0
    x, total = cdnow_summary.frequency[repeating].astype(float), cdnow_summary.repeat_value[repeating].astype(float)
    assert_derivatives(gamma_gamma.log_likelihood(x, total), np.array([5.0, 3.0, 1500.0]))


def test_s2_the_order_of_customers_does_not_matter(cdnow_summary) -> None:
    columns = (cdnow_summary.frequency, cdnow_summary.recency, cdnow_summary.age)
    order = np.random.default_rng(3).permutation(cdnow_summary.frequency.size)
    assert bgnbd.fit(compress(*columns)) == bgnbd.fit(compress(*(column[order] for column in columns)))


def test_s2_a_warm_start_gives_the_same_parameters_in_fewer_steps(histories) -> None:
    cold = bgnbd.fit(histories)
    assert isinstance(cold, Fit)
    warm = bgnbd.fit(histories, start=cold.parameters)
    assert isinstance(warm, Fit)
    assert warm.iterations < cold.iterations
    for name in ("r", "alpha", "a", "b"):
        assert getattr(warm.parameters, name) == pytest.approx(getattr(cold.parameters, name), rel=1e-6)


@pytest.mark.parametrize("start", [(0.01, 0.1, 0.01, 0.01), (20.0, 400.0, 30.0, 50.0), (0.1, 100.0, 5.0, 0.1)])
def test_s2_bad_starts_reach_the_same_maximum(start, histories) -> None:
    found = bgnbd.fit(histories, start=bgnbd.BgNbd(*start))
    assert isinstance(found, Fit)
    assert found.log_likelihood == pytest.approx(-9582.4256, abs=1e-4)


def test_s2_standard_errors_are_those_of_the_observed_information(histories) -> None:
    found = bgnbd.fit(histories)
    assert isinstance(found, Fit)
    q, errors = found.parameters, found.standard_errors
    _, _, hessian = bgnbd.log_likelihood(histories)(np.array([q.r, q.alpha, q.a, q.b]))
    expected = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert (errors.r, errors.alpha, errors.a, errors.b) == pytest.approx(tuple(expected), rel=1e-3)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), expected, rtol=1e-3)


def simulate_bgnbd(q: bgnbd.BgNbd, customers: int, seed: int):
    """Purchase histories of the model itself, over 200 to 270 days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(200, 270, customers)
    rate, dropout = rng.gamma(q.r, 1 / q.alpha, customers) / 7, rng.beta(q.a, q.b, customers)
    x, recency = np.zeros(customers, dtype=np.int64), np.zeros(customers)
    clock, buying = np.zeros(customers), np.arange(customers)
    while buying.size:
        clock[buying] += rng.exponential(1 / rate[buying])
        buying = buying[clock[buying] < age[buying]]
        x[buying] += 1
        recency[buying] = clock[buying]
        buying = buying[rng.random(buying.size) > dropout[buying]]
    return x, np.where(x > 0, np.maximum(1, recency.astype(np.int64)), 0), age


def test_s2_parameters_are_recovered_within_their_standard_errors() -> None:
    truth = bgnbd.BgNbd(1.2, 6.0, 1.5, 4.0)
    found = bgnbd.fit(compress(*simulate_bgnbd(truth, 30_000, seed=5)))
    assert isinstance(found, Fit)
    for name in ("r", "alpha", "a", "b"):
        error = getattr(found.standard_errors, name)
        assert abs(getattr(found.parameters, name) - getattr(truth, name)) < 4 * error


def test_s2_customers_who_never_fall_silent_are_refused() -> None:
    """What a bank's postings look like (data/README): everyone active to the last day drives a, b to a ridge."""
    rng = np.random.default_rng(11)
    age = rng.integers(300, 400, 2000)
    x = rng.poisson(age / 9) + 1
    refused = bgnbd.fit(compress(x, age - rng.integers(0, 5, age.size), age))
    assert isinstance(refused, FitRefused)
    assert refused.reason in {Refusal.PARAMETER_AT_BOUND, Refusal.NOT_IDENTIFIED, Refusal.NOT_CONVERGED}
    assert refused.text_en
    assert refused.text_zh
    assert len(refused.last) == 4


def test_s2_small_sets_are_refused_with_the_reason() -> None:
    few = compress([1, 0], [5, 0], [9, 9])
    silent = compress(np.zeros(500, dtype=int), np.zeros(500, dtype=int), np.full(500, 90))
    assert isinstance(none := bgnbd.fit(compress([], [], [])), FitRefused)
    assert none.reason is Refusal.TOO_FEW_CUSTOMERS
    for model in (bgnbd, pareto_nbd):
        assert isinstance(refused := model.fit(few), FitRefused)
        assert refused.reason is Refusal.TOO_FEW_CUSTOMERS
        assert isinstance(refused := model.fit(silent), FitRefused)
        assert refused.reason is Refusal.TOO_FEW_REPEATING
    assert isinstance(refused := gamma_gamma.fit([1], [100]), FitRefused)
    assert refused.reason is Refusal.TOO_FEW_CUSTOMERS


def test_s2_too_few_steps_are_refused_as_not_converged(histories) -> None:
    refused = bgnbd.fit(histories, settings=FitSettings(max_iterations=2))
    assert isinstance(refused, FitRefused)
    assert refused.reason is Refusal.NOT_CONVERGED


def test_s2_parameters_that_the_data_hardly_determine_are_refused(histories) -> None:
    refused = bgnbd.fit(histories, settings=FitSettings(max_relative_error=0.2))
    assert isinstance(refused, FitRefused)
    assert refused.reason is Refusal.NOT_IDENTIFIED
    assert isinstance(bgnbd.fit(histories, settings=FitSettings(max_relative_error=0.3)), Fit)


def test_s2_equal_amounts_have_no_gamma_gamma_fit() -> None:
    x = np.arange(1, 201) % 9 + 1
    refused = gamma_gamma.fit(x, x * 10_000)
    assert isinstance(refused, FitRefused)
    assert refused.reason is Refusal.PARAMETER_AT_BOUND


def test_s2_an_infinite_mean_is_refused() -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(1, 6, 3000)
    per_customer = 1 / rng.gamma(0.7, 1 / 2000.0, x.size)
    refused = gamma_gamma.fit(x, np.maximum(1, (rng.gamma(3.0 * x) * per_customer)).astype(np.int64))
    assert isinstance(refused, FitRefused)
    assert refused.reason is Refusal.INFINITE_MEAN


@pytest.mark.parametrize(
    ("x", "recency", "age"),
    [([1], [10], [9]), ([-1], [0], [9]), ([0], [3], [9]), ([2], [0], [9]), ([1], [1.5], [9]), ([1, 2], [3], [9])],
)
def test_s2_impossible_histories_are_refused(x, recency, age) -> None:
    with pytest.raises(InvalidHistory):
        compress(x, recency, age)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=60))
def test_s2_grouping_keeps_every_customer(rows) -> None:
    columns = np.array([(x, t + 1, t + 1 + more) if x > 1 else (0, 0, t + more) for x, t, more in rows]).T
    grouped = compress(*columns)
    assert grouped.total == len(rows)
    assert grouped.repeating == int((columns[0] > 0).sum())
    assert float(grouped.beyond().sum()) == columns[0].sum()
    unpacked = {(x, t, age): n for x, t, age, n in zip(*(c.tolist() for c in (grouped.frequency, grouped.recency, grouped.age)),
                                                       grouped.customers.tolist(), strict=True)}  # fmt: skip
    assert unpacked == {row: columns.T.tolist().count(list(row)) for row in map(tuple, columns.T.tolist())}


PURCHASES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 30), st.integers(1, 500)), min_size=1, max_size=40)


@settings(deadline=None)
@given(PURCHASES, st.randoms())
def test_s2_a_summary_does_not_depend_on_the_order_of_purchases(rows, random) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = (summarise(*np.array(r).T, end=25) for r in (rows, shuffled))
    for name in ("customer", "frequency", "recency", "age", "repeat_value"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    for index, customer in enumerate(one.customer.tolist()):
        days = {day for who, day, _ in rows if who == customer and day <= 25}
        assert one.frequency[index] == len(days) - 1
        assert (one.recency[index], one.age[index]) == (max(days) - min(days), 25 - min(days))
        assert one.repeat_value[index] == sum(a for who, day, a in rows if who == customer and min(days) < day <= 25)


def test_s2_a_summary_without_purchases_is_empty() -> None:
    assert summarise([1], [30], [5], end=25).customer.size == 0


def test_s2_a_large_book_is_the_sum_of_its_parts() -> None:
    """More rows than one block of the likelihood holds."""
    draws = np.random.default_rng(9)
    age = draws.integers(100, 700, 30_000)
    x = draws.integers(0, 30, age.size)
    recency = np.where(x > 0, draws.integers(1, age), 0)
    theta = np.array([0.3, 5.0, 0.8, 2.5])
    assert compress(x, recency, age).frequency.size > 20_000
    whole = bgnbd.log_likelihood(compress(x, recency, age))(theta)
    parts = [
        bgnbd.log_likelihood(compress(x[rows], recency[rows], age[rows]))(theta)
        for rows in (slice(begin, begin + 1_000) for begin in range(0, age.size, 1_000))
    ]
    for got, summed in zip(whole, (sum(part[n] for part in parts) for n in range(3)), strict=True):
        np.testing.assert_allclose(got, summed, rtol=1e-10)
