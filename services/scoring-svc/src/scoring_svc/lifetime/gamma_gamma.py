"""Gamma-Gamma: what a customer spends per purchase, given what few purchases have shown.

P. S. Fader, B. G. S. Hardie, K. L. Lee, "RFM and CLV", Journal of Marketing Research 42 (2005), 415-430; P. S. Fader,
B. G. S. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), whose γ is v here. A purchase is Gamma(p, ν), and ν differs
between customers as Gamma(q, v). Amounts are minor units of one currency, and so is v; they must not depend on how often a
customer buys.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln, zeta

from scoring_svc.lifetime.fit import (
    DEFAULT_SETTINGS,
    Derivatives,
    Fit,
    FitRefused,
    FitSettings,
    Objective,
    Refusal,
    maximise,
    refuse_small,
)
from scoring_svc.lifetime.sufficient import Floats, InvalidHistory


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Parameters; `v` in minor units, the others without unit."""

    p: float
    q: float
    v: float


def fit(
    frequency: ArrayLike,
    repeat_value: ArrayLike,
    *,
    start: GammaGamma | None = None,
    settings: FitSettings = DEFAULT_SETTINGS,
) -> Fit[GammaGamma] | FitRefused:
    """Maximum likelihood over the customers with a repeat purchase (the others are left out).

    `frequency` is the number of repeat purchases and `repeat_value` their total in minor units, both integers. A fit with q <= 1
    is refused: the mean over customers would be infinite. Raises `InvalidHistory` where a repeat purchase has no positive value.
    """
    x, total = _repeat_customers(frequency, repeat_value)
    refused = refuse_small(x.size, x.size, settings)
    if refused:
        return refused
    mean = float(np.mean(total / x))
    first = np.array([start.p, start.q, start.v] if start else [2.0, 3.0, mean])
    scale = np.array([1.0, 1.0, mean])
    found = maximise(log_likelihood(x, total), GammaGamma, ("p", "q", "v"), first, scale, x.size, settings)
    if isinstance(found, Fit) and found.parameters.q <= 1:
        return FitRefused(
            Refusal.INFINITE_MEAN,
            f"q = {found.parameters.q:.3f} <= 1: the mean value per purchase is infinite.",
            f"q = {found.parameters.q:.3f} ≤ 1：单笔金额的均值为无穷大。",
            found.iterations,
            (found.parameters.p, found.parameters.q, found.parameters.v),
        )
    return found


def log_likelihood(x: Floats, total: Floats) -> Objective:
    """The log-likelihood of (p, q, v) for x purchases of mean `total / x`, with exact gradient and Hessian."""
    counts, where = np.unique(x, return_inverse=True)
    customers = np.bincount(where).astype(np.float64)
    log_totals = float(x @ np.log(total))
    constant = -float(np.log(total / x).sum())
    size = float(x.size)

    def evaluate(theta: Floats) -> Derivatives:
        p, q, v = theta.tolist()
        shape, own = p * counts + q, p * counts
        log_sum, inverse = np.log(v + total), 1 / (v + total)
        at = np.bincount(where, weights=log_sum)
        value = float(customers @ (gammaln(shape) - gammaln(own)) - shape @ at) + p * log_totals + constant
        value += size * float(q * np.log(v) - gammaln(q))
        shape_1, own_1 = digamma(shape), digamma(own)
        weighted = customers * counts
        exponent_sum = (p * x + q) @ inverse
        gradient = np.array(
            [
                weighted @ (shape_1 - own_1) + log_totals - counts @ at,
                customers @ shape_1 + size * (np.log(v) - digamma(q)) - at.sum(),
                size * q / v - exponent_sum,
            ]
        )
        shape_2 = zeta(2, shape)
        pp = (weighted * counts) @ (shape_2 - zeta(2, own))
        pq, pv = weighted @ shape_2, -(x @ inverse)
        qq, qv = customers @ shape_2 - size * zeta(2, q), size / v - inverse.sum()
        vv = (p * x + q) @ (inverse * inverse) - size * q / v**2
        return value, gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])

    return evaluate


def expected_value(parameters: GammaGamma, frequency: ArrayLike, repeat_value: ArrayLike) -> Floats:
    """Expected value of a future purchase in minor units: the population's mean where x = 0, the customer's own as x grows."""
    x = np.asarray(frequency)
    return np.asarray(parameters.p * (parameters.v + np.asarray(repeat_value)) / (parameters.p * x + parameters.q - 1))


def _repeat_customers(frequency: ArrayLike, repeat_value: ArrayLike) -> tuple[Floats, Floats]:
    x, total = np.asarray(frequency), np.asarray(repeat_value)
    if x.shape != total.shape or x.ndim != 1:
        raise InvalidHistory("frequency and value are columns of one length")
    if x.size and not (np.issubdtype(x.dtype, np.integer) and np.issubdtype(total.dtype, np.integer)):
        raise InvalidHistory("frequency and value are integers")
    repeating = x > 0
    if np.any(total[repeating] <= 0):
        raise InvalidHistory("a repeat purchase has a positive value")
    return x[repeating].astype(np.float64), total[repeating].astype(np.float64)
