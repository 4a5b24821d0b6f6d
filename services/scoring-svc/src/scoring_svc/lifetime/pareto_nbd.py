"""Pareto/NBD, the second opinion: purchases until an unseen drop-out at any moment.

D. C. Schmittlein, D. G. Morrison, R. Colombo, "Counting Your Customers", Management Science 33 (1987), 1-24. A customer buys at
rate λ ~ Gamma(r, α) and drops out at rate μ ~ Gamma(s, β). The likelihood of (x, t_x, T) is

    Γ(r+x)/Γ(r) α^r β^s [ (α+T)^-(r+x) (β+T)^-s + s ∫_{t_x}^T (α+y)^-(r+x) (β+y)^-(s+1) dy ]

whose integral is usually written with two ₂F₁ (Fader & Hardie, "A Note on Deriving the Pareto/NBD Model", 2005). Here it is
integrated as it stands, on the scale ln(min(α, β) + y), where the integrand is analytic in a strip of half-width π and 40
Gauss-Legendre nodes reach rounding error; its derivatives are moments under the same nodes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import exprel

from scoring_svc.lifetime.fit import (
    DEFAULT_SETTINGS,
    Derivatives,
    Fit,
    FitRefused,
    FitSettings,
    Objective,
    maximise,
    refuse_small,
)
from scoring_svc.lifetime.sufficient import DAYS_PER_WEEK, Floats, PurchaseHistories

_BLOCK = 2048
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_NODES, _LOG_WEIGHTS = (_NODES + 1) / 2, np.log(_WEIGHTS / 2)
_NEGLIGIBLE = 45.0  # e^-45 of the integrand's first value is below rounding


@dataclass(frozen=True, slots=True)
class ParetoNbd:
    """Parameters; `alpha` and `beta` in units of time (weeks), the shapes without unit."""

    r: float
    alpha: float
    s: float
    beta: float


def fit(
    histories: PurchaseHistories, *, start: ParetoNbd | None = None, settings: FitSettings = DEFAULT_SETTINGS
) -> Fit[ParetoNbd] | FitRefused:
    """Maximum likelihood. `start` is a warm start; it changes only the speed."""
    refused = refuse_small(histories.total, histories.repeating, settings)
    if refused:
        return refused
    span = float(histories.age.max()) / histories.ticks_per_unit
    first = np.array([start.r, start.alpha, start.s, start.beta] if start else [0.5, span / 4, 0.5, span / 4])
    scale = np.array([1.0, span, 1.0, span])
    return maximise(log_likelihood(histories), ParetoNbd, ("r", "α", "s", "β"), first, scale, histories.total, settings)


def log_likelihood(histories: PurchaseHistories) -> Objective:
    """The log-likelihood of (r, α, s, β) with its exact gradient and Hessian."""
    beyond = histories.beyond()
    order = np.arange(beyond.size, dtype=np.float64)
    total = float(histories.customers.sum())
    x = histories.frequency.astype(np.float64)
    t, age = histories.units(histories.recency), histories.units(histories.age)
    blocks = [slice(begin, begin + _BLOCK) for begin in range(0, x.size, _BLOCK)]

    def evaluate(theta: Floats) -> Derivatives:
        r, alpha, s, beta = theta.tolist()
        value = float(beyond @ np.log(r + order)) + total * (r * np.log(alpha) + s * np.log(beta))
        gradient = total * np.array([np.log(alpha), r / alpha, np.log(beta), s / beta])
        gradient[0] += beyond @ (1 / (r + order))
        hessian = np.zeros((4, 4))
        hessian[0, 0] = -(beyond @ (1 / (r + order) ** 2))
        hessian[0, 1], hessian[1, 1] = total / alpha, -total * r / alpha**2
        hessian[2, 3], hessian[3, 3] = total / beta, -total * s / beta**2
        hessian[1, 0], hessian[3, 2] = hessian[0, 1], hessian[2, 3]
        for block in blocks:
            part = _last_factor(theta, x[block], t[block], age[block], histories.customers[block])
            value, gradient, hessian = value + part[0], gradient + part[1], hessian + part[2]
        return value, gradient, hessian

    return evaluate


class _Paths(NamedTuple):
    """The integral over the moments of drop-out: its logarithm, and the nodes as (customer, node) arrays."""

    log_integral: Floats
    probability: Floats
    alpha_y: Floats
    beta_y: Floats


def _integrate(theta: Floats, x: Floats, t: Floats, age: Floats) -> _Paths:
    """∫_t^T (α+y)^-(r+x) (β+y)^-(s+1) dy. `probability` is each node's share of the integral."""
    r, alpha, s, beta = theta.tolist()
    low, high = min(alpha, beta), max(alpha, beta)
    u = r + x
    low_power, high_power = (u, np.full_like(u, s + 1)) if alpha <= beta else (np.full_like(u, s + 1), u)
    reach = np.log((low + age) / (low + t))
    # The integrand falls at least as fast as e^(-rate l); what lies beyond `_NEGLIGIBLE` would only waste nodes.
    rate = low_power - 1 + high_power * (low + t) / (high + t)
    reach = np.where(rate * reach > _NEGLIGIBLE, _NEGLIGIBLE / np.maximum(rate, 1e-300), reach)
    length = reach[:, None] * _NODES
    low_y = (low + t)[:, None] * np.exp(length)
    high_y = (high + t)[:, None] + (low + t)[:, None] * np.expm1(length)
    log_terms = _LOG_WEIGHTS - (low_power - 1)[:, None] * np.log(low_y) - high_power[:, None] * np.log(high_y)
    top = log_terms.max(axis=1)
    shares = np.exp(log_terms - top[:, None])
    sums = shares.sum(axis=1)
    with np.errstate(divide="ignore"):  # t = T: nothing to integrate, and ln 0 is meant
        log_integral = top + np.log(sums) + np.log(reach)
    shares /= sums[:, None]
    return _Paths(log_integral, shares, *((low_y, high_y) if alpha <= beta else (high_y, low_y)))


def _last_factor(theta: Floats, x: Floats, t: Floats, age: Floats, weight: Floats) -> Derivatives:
    """Σ weight · ln(e^A + s·integral), A = -(r+x) ln(α+T) - s ln(β+T), with derivatives."""
    r, alpha, s, beta = theta.tolist()
    u = r + x
    paths = _integrate(theta, x, t, age)
    log_a, log_b = np.log(alpha + age), np.log(beta + age)
    alive = -u * log_a - s * log_b
    dead = np.log(s) + paths.log_integral
    value = np.logaddexp(alive, dead)
    share = np.exp(dead - value)

    inverse_a, inverse_b = 1 / paths.alpha_y, 1 / paths.beta_y
    slopes = np.stack([-np.log(paths.alpha_y), -u[:, None] * inverse_a, -np.log(paths.beta_y), -(s + 1) * inverse_b])
    means = np.einsum("inj,nj->in", slopes, paths.probability)
    spread = slopes - means[:, :, None]
    covariance = np.einsum("inj,knj,nj->ikn", spread, spread, paths.probability, optimize=True)
    mean_a, mean_b = (np.einsum("nj,nj->n", f, paths.probability) for f in (inverse_a, inverse_b))
    mean_aa = np.einsum("nj,nj,nj->n", inverse_a, inverse_a, paths.probability)
    mean_bb = np.einsum("nj,nj,nj->n", inverse_b, inverse_b, paths.probability)

    dead_slope = means.copy()
    dead_slope[2] += 1 / s
    alive_slope = np.stack([-log_a, -u / (alpha + age), -log_b, -s / (beta + age)])
    difference = dead_slope - alive_slope
    gradient = (alive_slope + share * difference) @ weight
    bend = covariance * share + np.einsum("in,kn->ikn", difference, difference) * (share * (1 - share))
    hessian = bend @ weight
    alive_share = 1 - share
    _add_pair(hessian, 0, 1, weight @ -(alive_share / (alpha + age) + share * mean_a))
    _add_pair(hessian, 2, 3, weight @ -(alive_share / (beta + age) + share * mean_b))
    hessian[1, 1] += (weight * u) @ (alive_share / (alpha + age) ** 2 + share * mean_aa)
    hessian[3, 3] += weight @ (alive_share * s / (beta + age) ** 2 + share * (s + 1) * mean_bb)
    hessian[2, 2] -= (weight @ share) / s**2
    return float(weight @ value), gradient, hessian


def _add_pair(hessian: Floats, i: int, k: int, amount: float) -> None:
    hessian[i, k] += amount
    hessian[k, i] += amount


def alive(
    parameters: ParetoNbd,
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    *,
    ticks_per_unit: float = DAYS_PER_WEEK,
) -> Floats:
    """P(the customer has not dropped out by T | x, t_x, T), for integer columns of one length."""
    q = parameters
    x = np.atleast_1d(frequency).astype(np.float64)
    t, span = np.atleast_1d(recency) / ticks_per_unit, np.atleast_1d(age) / ticks_per_unit
    theta = np.array([q.r, q.alpha, q.s, q.beta])
    out = np.empty(x.size)
    for begin in range(0, x.size, _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        log_alive = -(q.r + x[rows]) * np.log(q.alpha + span[rows]) - q.s * np.log(q.beta + span[rows])
        log_dead = np.log(q.s) + _integrate(theta, x[rows], t[rows], span[rows]).log_integral
        out[rows] = np.exp(log_alive - np.logaddexp(log_alive, log_dead))
    return out


def expected(
    parameters: ParetoNbd,
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    horizon: float,
    *,
    ticks_per_unit: float = DAYS_PER_WEEK,
) -> Floats:
    """Expected purchases in the next `horizon` units of time (Schmittlein et al., eq. 22); s = 1 is no special case."""
    q = parameters
    x, span = np.atleast_1d(frequency).astype(np.float64), np.atleast_1d(age) / ticks_per_unit
    stretch = np.log1p(horizon / (q.beta + span))
    lifetime: Floats = (q.beta + span) * stretch * exprel(-(q.s - 1) * stretch)
    return alive(q, frequency, recency, age, ticks_per_unit=ticks_per_unit) * (q.r + x) / (q.alpha + span) * lifetime


def purchases_of_new(parameters: ParetoNbd, horizons: ArrayLike) -> Floats:
    """Expected repeat purchases of a new customer within each horizon, in units of time (eq. 17); s = 1 is no special case."""
    q = parameters
    stretch = np.log1p(np.atleast_1d(np.asarray(horizons, dtype=np.float64)) / q.beta)
    return np.asarray(q.r / q.alpha * q.beta * stretch * exprel(-(q.s - 1) * stretch), dtype=np.float64)
