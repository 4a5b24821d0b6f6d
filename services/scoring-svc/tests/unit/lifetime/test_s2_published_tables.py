"""S2: the lifetime models reproduce the published parameters and the hold-out prediction on CDNOW."""

from datetime import date

import numpy as np
import pytest
from scoring_svc.lifetime import bgnbd, gamma_gamma, pareto_nbd
from scoring_svc.lifetime.fit import Fit
from scoring_svc.lifetime.sufficient import compress, summarise

END_OF_CALIBRATION = date(1997, 9, 30).toordinal()
HOLD_OUT_WEEKS = 39


@pytest.fixture
def histories(cdnow_summary):
    return compress(cdnow_summary.frequency, cdnow_summary.recency, cdnow_summary.age, ticks_per_unit=100.0)


def test_s2_bgnbd_parameters(histories) -> None:
    found = bgnbd.fit(histories)
    assert isinstance(found, Fit)
    q = found.parameters
    assert [round(v, 4) for v in (q.r, q.alpha, q.a, q.b)] == [0.2426, 4.4135, 0.7929, 2.4258]
    assert found.log_likelihood == pytest.approx(-9582.4256, abs=1e-4)
    assert found.customers == 2357


def test_s2_pareto_nbd_parameters(histories) -> None:
    found = pareto_nbd.fit(histories)
    assert isinstance(found, Fit)
    q = found.parameters
    # The printed β (11.669 in the paper, 11.6674 elsewhere) is flat in the likelihood: a thousandth of it is worth 1e-8.
    assert (q.r, q.alpha, q.s, q.beta) == pytest.approx((0.5533, 10.5777, 0.6062, 11.6674), abs=1e-3)
    assert found.log_likelihood == pytest.approx(-9594.97, abs=0.005)


def test_s2_gamma_gamma_parameters(cdnow_summary) -> None:
    found = gamma_gamma.fit(cdnow_summary.frequency, cdnow_summary.repeat_value)
    assert isinstance(found, Fit)
    q = found.parameters
    assert (q.p, q.q, q.v / 100) == pytest.approx((6.2488, 3.7446, 15.4477), abs=2e-4)
    assert found.customers == 946


def test_s2_the_log_gives_the_published_summary(cdnow_purchases, cdnow_summary) -> None:
    log = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION)
    assert np.array_equal(log.frequency, cdnow_summary.frequency)
    assert np.array_equal(np.round(log.recency / 7 * 100).astype(int), cdnow_summary.recency)
    assert np.array_equal(np.round(log.age / 7 * 100).astype(int), cdnow_summary.age)
    assert np.abs(log.repeat_value - cdnow_summary.repeat_value).max() <= log.frequency.max()  # zbar is rounded to a cent


def test_s2_hold_out_prediction_over_39_weeks(cdnow_purchases) -> None:
    log = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION)
    found = bgnbd.fit(compress(log.frequency, log.recency, log.age))
    assert isinstance(found, Fit)
    predicted = bgnbd.Predictor(found.parameters).expected(log.frequency, log.recency, log.age, HOLD_OUT_WEEKS)
    whole = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION + 273)
    actual = (whole.frequency - log.frequency).sum()
    assert (round(predicted.sum()), actual) == (1653, 1882)


def test_s2_pareto_nbd_agrees_with_bgnbd_on_the_hold_out(cdnow_purchases) -> None:
    log = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION)
    found = pareto_nbd.fit(compress(log.frequency, log.recency, log.age))
    assert isinstance(found, Fit)
    predicted = pareto_nbd.expected(found.parameters, log.frequency, log.recency, log.age, HOLD_OUT_WEEKS)
    assert predicted.sum() == pytest.approx(1653, rel=0.02)


def test_s2_never_rank_by_p_alive_alone(cdnow_purchases) -> None:
    """x = 0 gives P(alive) = 1: the order it gives is worse than chance, the expectation's is not."""
    log = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION)
    found = bgnbd.fit(compress(log.frequency, log.recency, log.age))
    assert isinstance(found, Fit)
    alive, expected = bgnbd.Predictor(found.parameters).alive_and_expected(log.frequency, log.recency, log.age, HOLD_OUT_WEEKS)
    whole = summarise(cdnow_purchases.customer, cdnow_purchases.day, cdnow_purchases.amount, end=END_OF_CALIBRATION + 273)
    bought = whole.frequency > log.frequency

    def area_under_curve(score) -> float:
        _, ranks, counts = np.unique(score, return_inverse=True, return_counts=True)
        mean_rank = (np.cumsum(counts) - (counts - 1) / 2)[ranks]
        positives = bought.sum()
        return (mean_rank[bought].sum() - positives * (positives + 1) / 2) / (positives * (~bought).sum())

    assert area_under_curve(expected) == pytest.approx(0.773, abs=0.002)
    assert area_under_curve(alive) == pytest.approx(0.316, abs=0.002)
