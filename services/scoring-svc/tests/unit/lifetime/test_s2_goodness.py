"""S2: goodness of fit on CDNOW, against the figures of Fader, Hardie & Lee (2005)."""

from datetime import date

import numpy as np
import pytest
from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.fit import Fit
from scoring_svc.lifetime.goodness import cumulative_purchases, frequency_fit, purchase_probabilities, purchases_by_frequency
from scoring_svc.lifetime.pareto_nbd import ParetoNbd, purchases_of_new
from scoring_svc.lifetime.sufficient import compress, summarise

END_OF_CALIBRATION = date(1997, 9, 30).toordinal()


@pytest.fixture
def calibration(cdnow_purchases):
    log = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION)
    histories = compress(log.frequency, log.recency, log.age)
    found = bgnbd.fit(histories)
    assert isinstance(found, Fit)
    return log, histories, found.parameters


def test_s2_histogram_of_repeat_purchases(calibration) -> None:
    _, histories, parameters = calibration
    fit = frequency_fit(parameters, histories)
    assert fit.observed == (1411, 439, 214, 100, 62, 38, 29, 64)
    assert sum(fit.expected) == pytest.approx(2357)
    assert fit.chi_square == pytest.approx(4.82, abs=0.05)
    assert (fit.degrees_of_freedom, round(fit.p_value, 2)) == (3, 0.19)


def test_s2_the_purchase_probabilities_are_a_distribution_with_the_expected_mean(calibration) -> None:
    parameters = calibration[2]
    spans = np.array([1.0, 12.0, 39.0])
    shares = purchase_probabilities(parameters, spans, 2000)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-9)
    means = shares @ np.arange(2000)
    np.testing.assert_allclose(means, bgnbd.Predictor(parameters).purchases_of_new(spans), rtol=1e-6)


def test_s2_curve_of_cumulative_purchases_over_calibration_and_hold_out(calibration, cdnow_purchases) -> None:
    log, _, parameters = calibration
    first_day = END_OF_CALIBRATION - log.age
    weeks = date(1997, 1, 1).toordinal() + 7 * np.arange(1, 79)
    curve = cumulative_purchases(bgnbd.Predictor(parameters).purchases_of_new, first_day, weeks)
    actual = np.array(
        [
            summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=int(end)).frequency.sum()
            for end in (weeks[38], weeks[77])
        ]
    )
    assert np.all(np.diff(curve) > 0)
    np.testing.assert_allclose(curve[[38, 77]], actual, rtol=0.05)


def test_s2_hold_out_by_calibration_frequency_is_the_papers_figure_3(calibration, cdnow_purchases) -> None:
    log, _, parameters = calibration
    expected = bgnbd.Predictor(parameters).expected(log.frequency, log.recency, log.age, 39)
    whole = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION + 273)
    groups = purchases_by_frequency(log.frequency, whole.frequency - log.frequency, expected)
    assert groups.customers == (1411, 439, 214, 100, 62, 38, 29, 64)
    assert (round(groups.actual[0], 3), round(groups.expected[0], 3)) == (0.237, 0.225)
    assert np.dot(groups.customers, groups.actual) == pytest.approx(1882)
    assert np.dot(groups.customers, groups.expected) == pytest.approx(expected.sum())


def test_s2_pareto_nbd_expectation_of_new_customers_is_the_mean_over_rates_and_lifetimes() -> None:
    q = ParetoNbd(r=1.7, alpha=9.0, s=1.0, beta=7.0)
    draws = np.random.default_rng(5)
    rate, death = draws.gamma(q.r, 1 / q.alpha, 400_000), draws.gamma(q.s, 1 / q.beta, 400_000)
    lived = np.minimum(draws.exponential(1, 400_000) / death, 26.0)
    error = (rate * lived).std() / np.sqrt(400_000)
    assert purchases_of_new(q, 26.0)[0] == pytest.approx((rate * lived).mean(), abs=4 * error)
    near = [purchases_of_new(ParetoNbd(1.7, 9.0, s, 7.0), 26.0)[0] for s in (1 - 1e-9, 1.0, 1 + 1e-9)]
    assert near == pytest.approx([near[1]] * 3, rel=1e-7)
