"""How well a lifetime model fits: the histogram of repeat purchases (BG/NBD), the curve of cumulative purchases and the hold-out by
frequency, as in figures 1 to 3 of Fader, Hardie & Lee (2005)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, chdtrc, gammaln

from scoring_svc.lifetime.bgnbd import BgNbd
from scoring_svc.lifetime.sufficient import DAYS_PER_WEEK, Floats, Ints, PurchaseHistories


@dataclass(frozen=True, slots=True)
class FrequencyFit:
    """Customers with 0, 1, … repeat purchases in the calibration period, the last class open, observed and as the model expects.

    `p_value` of Pearson's χ² with as many degrees of freedom as classes less 1 and less the four parameters.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    chi_square: float
    degrees_of_freedom: int
    p_value: float


def frequency_fit(parameters: BgNbd, histories: PurchaseHistories, *, classes: int = 8) -> FrequencyFit:
    """Compare the histogram of repeat purchases in `classes` classes (at least 6) with the model's."""
    if classes < 6:
        raise ValueError("four parameters leave no degree of freedom below six classes")
    observed = np.bincount(np.minimum(histories.frequency, classes - 1), weights=histories.customers, minlength=classes)
    ages, where = np.unique(histories.age, return_inverse=True)
    customers = np.bincount(where, weights=histories.customers)
    expected = customers @ purchase_probabilities(parameters, histories.units(ages), classes - 1)
    expected = np.append(expected, customers.sum() - expected.sum())
    chi_square = float(((observed - expected) ** 2 / expected).sum())
    freedom = classes - 5
    return FrequencyFit(
        tuple(int(count) for count in observed),
        tuple(expected.tolist()),
        chi_square,
        freedom,
        float(chdtrc(freedom, chi_square)),
    )


def purchase_probabilities(parameters: BgNbd, spans: Floats, counts: int) -> Floats:
    """P(x repeat purchases within a span) for x = 0 … counts-1 and positive spans, as a (spans, counts) array (eq. 8)."""
    q = parameters
    x = np.arange(counts, dtype=np.float64)
    share = (spans / (q.alpha + spans))[:, None]
    stay = (q.alpha / (q.alpha + spans))[:, None] ** q.r
    poisson = np.exp(gammaln(q.r + x) - gammaln(q.r) - gammaln(x + 1)) * stay * share**x
    alive = np.exp(betaln(q.a, q.b + x) - betaln(q.a, q.b)) * poisson
    later = np.maximum(x, 1)
    fewer = np.cumsum(poisson, axis=1) - poisson
    dead = np.exp(betaln(q.a + 1, q.b + later - 1) - betaln(q.a, q.b)) * np.maximum(1 - fewer, 0)  # rounding
    return np.asarray(np.where(x > 0, alive + dead, alive), dtype=np.float64)


def cumulative_purchases(
    purchases_of_new: Callable[[Floats], Floats],
    first_day: ArrayLike,
    until: ArrayLike,
    *,
    ticks_per_unit: float = DAYS_PER_WEEK,
) -> Floats:
    """Expected repeat purchases of the whole book up to the end of each day in `until`.

    `purchases_of_new` is a model's expectation for a new customer within spans of time. `first_day` holds the day number of every
    customer's first purchase; a customer counts from the day after it.
    """
    starts, customers = np.unique(np.asarray(first_day), return_counts=True)
    ends: Ints = np.atleast_1d(until)
    spans = np.maximum(ends[:, None] - starts[None, :], 0)
    distinct, where = np.unique(spans, return_inverse=True)
    expected = purchases_of_new(distinct / ticks_per_unit)
    return np.asarray(expected[where.reshape(spans.shape)] @ customers, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PurchasesByFrequency:
    """Mean purchases in the hold-out of the customers with 0, 1, … repeat purchases before it, the last class open (figure 3).

    A class without customers has means of 0.
    """

    customers: tuple[int, ...]
    actual: tuple[float, ...]
    expected: tuple[float, ...]


def purchases_by_frequency(frequency: Ints, actual: Ints, expected: Floats, *, classes: int = 8) -> PurchasesByFrequency:
    """Compare what each customer bought in the hold-out with what was expected. Columns of one length."""
    group = np.minimum(frequency, classes - 1)
    customers = np.bincount(group, minlength=classes)
    actual_mean, expected_mean = (
        np.bincount(group, weights=column, minlength=classes) / np.maximum(customers, 1) for column in (actual, expected)
    )
    return PurchasesByFrequency(tuple(customers.tolist()), tuple(actual_mean.tolist()), tuple(expected_mean.tolist()))
