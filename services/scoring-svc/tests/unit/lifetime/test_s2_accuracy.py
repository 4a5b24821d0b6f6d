"""S2: figures against a reference in 60 decimal digits, straight from the papers' formulas."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.special import hyp2f1
from scoring_svc.lifetime import clv, gamma_gamma, pareto_nbd
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor

DIGITS = 60
GRID = [(x, 0 if x == 0 else max(1, age * 7 // 10), age) for x in (0, 1, 3, 12, 60) for age in (1, 30, 273, 1500)]
HORIZONS = (0.1, 4.35, 39.0, 104.0)
BGNBD = [
    BgNbd(0.2426, 4.4135, 0.7929, 2.4258),
    BgNbd(0.2426, 4.4135, 1 + 1e-9, 2.4258),  # a = 1 is a removable singularity of the printed formula
    BgNbd(3.0, 20.0, 0.05, 0.3),
    BgNbd(1.5, 2.0, 3.5, 40.0),
    BgNbd(0.05, 60.0, 0.3, 200.0),
]


def hypergeometric(a: Decimal, b: Decimal, c: Decimal, z: Decimal) -> Decimal:
    term = total = Decimal(1)
    k = 0
    while k < 50 or abs(term) > Decimal("1e-50") * abs(total):
        term *= (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        total += term
        k += 1
    return total


def bgnbd_reference(q: BgNbd, x: int, recency: int, age: int, horizon: float) -> tuple[float, float]:
    """Equations 7 and 10 of Fader, Hardie & Lee (2005), as printed."""
    with localcontext() as context:
        context.prec = DIGITS
        r, alpha, a, b, h = (Decimal(v) for v in (q.r, q.alpha, q.a, q.b, horizon))
        t, span = Decimal(recency) / 7, Decimal(age) / 7
        odds = a / (b + x - 1) * ((alpha + span) / (alpha + t)) ** (r + x) if x else Decimal(0)
        shrink = ((alpha + span) / (alpha + span + h)) ** (r + x)
        series = hypergeometric(r + x, b + x, a + b + x - 1, h / (alpha + span + h))
        expected = (a + b + x - 1) / (a - 1) * (1 - shrink * series) / (1 + odds)
        return float(1 / (1 + odds)), float(expected)


@pytest.mark.parametrize("parameters", BGNBD, ids=str)
def test_s2_bgnbd_predictions_to_eleven_digits(parameters: BgNbd) -> None:
    predictor = Predictor(parameters)
    for horizon in HORIZONS:
        reference = np.array([bgnbd_reference(parameters, *row, horizon) for row in GRID])
        alive, expected = predictor.alive_and_expected(*np.array(GRID).T, horizon)
        np.testing.assert_allclose(alive, reference[:, 0], rtol=1e-11)
        np.testing.assert_allclose(expected, reference[:, 1], rtol=1e-11)


def pareto_reference(q: pareto_nbd.ParetoNbd, x: int, recency: int, age: int) -> float:
    """P(alive) by the two ₂F₁ of Fader & Hardie (2005)."""
    with localcontext() as context:
        context.prec = DIGITS
        r, alpha, s, beta = (Decimal(v) for v in (q.r, q.alpha, q.s, q.beta))
        t, span = Decimal(recency) / 7, Decimal(age) / 7
        high, low, b = (alpha, beta, s + 1) if alpha >= beta else (beta, alpha, r + x)
        k = r + s + x

        def part(moment: Decimal) -> Decimal:
            return hypergeometric(k, b, k + 1, (high - low) / (high + moment)) / (high + moment) ** k

        alive = (alpha + span) ** -(r + x) * (beta + span) ** -s
        return float(alive / (alive + s / k * (part(t) - part(span))))


@pytest.mark.parametrize(
    "parameters",
    [
        pareto_nbd.ParetoNbd(0.5533, 10.5777, 0.6062, 11.6674),
        pareto_nbd.ParetoNbd(0.5533, 11.6674, 0.6062, 10.5777),
        pareto_nbd.ParetoNbd(2.0, 3.0, 0.2, 30.0),
        pareto_nbd.ParetoNbd(0.3, 40.0, 2.5, 4.0),
        pareto_nbd.ParetoNbd(1.0, 8.0, 1.0, 8.0),
    ],
    ids=str,
)
def test_s2_pareto_nbd_p_alive_to_eleven_digits(parameters: pareto_nbd.ParetoNbd) -> None:
    reference = [pareto_reference(parameters, *row) for row in GRID]
    np.testing.assert_allclose(pareto_nbd.alive(parameters, *np.array(GRID).T), reference, rtol=1e-11)


def test_s2_pareto_nbd_expectation_near_s_equal_one() -> None:
    at, near = (pareto_nbd.ParetoNbd(0.5, 10.0, s, 12.0) for s in (1.0, 1 + 1e-8))
    columns = np.array(GRID).T
    np.testing.assert_allclose(
        pareto_nbd.expected(at, *columns, 39.0), pareto_nbd.expected(near, *columns, 39.0), rtol=1e-6
    )  # fmt: skip
    q = pareto_nbd.ParetoNbd(0.5533, 10.5777, 0.6062, 11.6674)
    x, _, age = columns
    span = age / 7
    printed = (q.r + x) * (q.beta + span) / ((q.alpha + span) * (q.s - 1))
    printed *= 1 - ((q.beta + span) / (q.beta + span + 39)) ** (q.s - 1)
    np.testing.assert_allclose(
        pareto_nbd.expected(q, *columns, 39.0), printed * pareto_nbd.alive(q, *columns), rtol=1e-12
    )  # fmt: skip


def test_s2_expectation_of_new_customers_is_the_papers_equation_9() -> None:
    q = BGNBD[0]
    spans = np.array([1.0, 39.0, 78.0])
    series = hyp2f1(q.r, q.b, q.a + q.b - 1, spans / (q.alpha + spans))
    printed = (q.a + q.b - 1) / (q.a - 1) * (1 - (q.alpha / (q.alpha + spans)) ** q.r * series)
    np.testing.assert_allclose(Predictor(q).purchases_of_new(spans), printed, rtol=1e-11)


def test_s2_one_customer_at_a_time_gives_the_same_bits_as_the_columns() -> None:
    rng = np.random.default_rng(20260301)
    age = rng.integers(1, 900, 5000)
    recency = rng.integers(0, age + 1)
    x = np.where(recency > 0, rng.geometric(0.2, age.size), 0)
    predictor = Predictor(BGNBD[0])
    score = predictor.scorer(39.0)
    one_by_one = np.array([score(*row) for row in np.stack([x, recency, age], axis=1).tolist()])
    alive, expected = predictor.alive_and_expected(x, recency, age, 39.0)
    assert np.array_equal(one_by_one[:, 0], alive)
    assert np.array_equal(one_by_one[:, 1], expected)


def test_s2_narrow_columns_and_sparse_pairs_change_nothing() -> None:
    x, recency, age = np.array([[0, 0, 300], [150, 200, 290], [2, 10, 250]]).T
    predictor = Predictor(BGNBD[0])
    wide = predictor.expected(x, recency, age, 39.0)
    for dtype in (np.int16, np.uint16, np.int32):
        assert np.array_equal(predictor.expected(x.astype(dtype), recency.astype(dtype), age.astype(dtype), 39.0), wide)
    # A grid beyond the table's limit takes the sparse path.
    far = predictor.expected(np.append(x, 3000), np.append(recency, 5000), np.append(age, 5000), 39.0)
    assert np.array_equal(far[:3], wide)


def test_s2_clv_is_the_discounted_sum_of_monthly_expectations() -> None:
    predictor, spending = Predictor(BGNBD[0]), gamma_gamma.GammaGamma(6.2488, 3.7446, 1544.77)
    x, recency, age = np.array(GRID).T
    value = x * 3_500
    terms = clv.ClvTerms(months=12, monthly_rate=0.01, margin_bp=3_000)
    expected = np.zeros(x.size)
    before = np.zeros(x.size)
    for month in range(1, 13):
        within = predictor.expected(x, recency, age, month * clv.DAYS_PER_MONTH / 7)
        expected += (within - before) / 1.01**month
        before = within
    expected *= 0.3 * gamma_gamma.expected_value(spending, x, value)
    got = clv.customer_lifetime_value(predictor, spending, x, recency, age, value, terms)
    np.testing.assert_allclose(got, expected, rtol=1e-11)


def test_s2_expected_spending_moves_from_the_population_to_the_customer() -> None:
    spending = gamma_gamma.GammaGamma(6.2488, 3.7446, 1544.77)
    population = 6.2488 * 1544.77 / (3.7446 - 1)
    x = np.array([0, 1, 1000])
    got = gamma_gamma.expected_value(spending, x, x * 10_000)
    assert got[0] == pytest.approx(population)
    assert population < got[1] < got[2] < 10_000
    assert got[2] == pytest.approx(10_000, rel=0.01)
