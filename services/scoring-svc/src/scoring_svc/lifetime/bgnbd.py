"""BG/NBD: purchases until an unseen drop-out after some purchase.

P. S. Fader, B. G. S. Hardie, K. L. Lee, "'Counting Your Customers' the Easy Way", Marketing Science 24 (2005), 275-284; equation
numbers below are theirs. A customer buys at rate λ ~ Gamma(r, α) and drops out after each repeat purchase with probability
p ~ Beta(a, b). A customer without a repeat purchase cannot have dropped out: P(alive) = 1 says nothing there, so never rank by
it alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
from scoring_svc.lifetime.sufficient import DAYS_PER_WEEK, Floats, Ints, InvalidHistory, PurchaseHistories

_BLOCK = 1 << 15
_FIT_BLOCK = 1 << 13
"""Above some 10,000 elements OpenBLAS divides a product among threads, which costs ten times what it saves."""
_MAX_TABLE = 1 << 22
_MAX_TERMS = 20_000


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Parameters; `alpha` in units of time (weeks), the others without unit."""

    r: float
    alpha: float
    a: float
    b: float


def fit(
    histories: PurchaseHistories, *, start: BgNbd | None = None, settings: FitSettings = DEFAULT_SETTINGS
) -> Fit[BgNbd] | FitRefused:
    """Maximum likelihood (eq. 6). `start` is a warm start, for instance yesterday's parameters; it changes only the speed."""
    refused = refuse_small(histories.total, histories.repeating, settings)
    if refused:
        return refused
    span = float(histories.age.max()) / histories.ticks_per_unit
    first = np.array([start.r, start.alpha, start.a, start.b] if start else [0.5, span / 4, 1.0, 2.0])
    scale = np.array([1.0, span, 1.0, 1.0])
    return maximise(log_likelihood(histories), BgNbd, ("r", "α", "a", "b"), first, scale, histories.total, settings)


def log_likelihood(histories: PurchaseHistories) -> Objective:
    """The log-likelihood of (r, α, a, b) with its exact gradient and Hessian.

    With A = -(r+x) ln(α+T) and D = ln a - ln(b+x-1) + (r+x) ln((α+T)/(α+t_x)), a customer's last factor is e^A (1 + [x>0] e^D).
    A depends on T only and is summed over the distinct T; D needs one row per distinct (x, t_x, T) with x > 0.
    """
    beyond = histories.beyond()
    order = np.arange(beyond.size, dtype=np.float64)
    total = float(histories.customers.sum())
    ages, at_age = np.unique(histories.age, return_inverse=True)
    customers_at = np.bincount(at_age, weights=histories.customers)
    purchases_at = np.bincount(at_age, weights=histories.customers * histories.frequency)
    age_units = histories.units(ages)
    repeat = slice(histories.repeat_from, None)
    x, weight, to_age = histories.frequency[repeat].astype(np.float64), histories.customers[repeat], at_age[repeat]
    moments, to_moment = np.unique(histories.recency[repeat], return_inverse=True)
    moment_units = histories.units(moments)
    blocks = _blocks(x.size, _FIT_BLOCK)

    def evaluate(theta: Floats) -> Derivatives:
        r, alpha, a, b = theta.tolist()
        value, gradient, hessian = _rising_factorials(r, a, b, beyond, order)
        value += total * r * np.log(alpha)
        gradient += (total * np.log(alpha), total * r / alpha, 0.0, 0.0)
        hessian[0, 1] += total / alpha
        hessian[1, 1] -= total * r / alpha**2

        log_age, inverse_age = np.log(alpha + age_units), 1 / (alpha + age_units)
        exponents = r * customers_at + purchases_at
        value -= float(exponents @ log_age)
        gradient[0] -= customers_at @ log_age
        gradient[1] -= exponents @ inverse_age
        hessian[0, 1] -= customers_at @ inverse_age
        hessian[1, 1] += exponents @ (inverse_age * inverse_age)

        log_moment, inverse_moment = np.log(alpha + moment_units), 1 / (alpha + moment_units)
        for rows in blocks:
            at, on = to_age[rows], to_moment[rows]
            logs, inverses = (log_age.take(at), log_moment.take(on)), (inverse_age.take(at), inverse_moment.take(on))
            part = _repeat_factor(theta, weight[rows], x[rows], logs, inverses)
            value, gradient, hessian = value + part[0], gradient + part[1], hessian + part[2]
        hessian[1, 0] = hessian[0, 1]
        return value, gradient, hessian

    return evaluate


def _repeat_factor(
    theta: Floats, weight: Floats, x: Floats, logs: tuple[Floats, Floats], inverses: tuple[Floats, Floats]
) -> Derivatives:
    """Σ weight · ln(1 + e^D) with derivatives; `logs` and `inverses` are of α+T and α+t_x. Of the mixed ones only (r, α) above the
    diagonal is complete."""
    r, _, a, b = theta.tolist()
    u, since = x + r, 1 / (x + (b - 1))
    ratio, slope = logs[0] - logs[1], inverses[0] - inverses[1]
    log_odds = u * ratio
    log_odds += np.log(a * since)
    small = np.exp(-np.abs(log_odds))  # never overflows
    value = float(weight @ (np.maximum(log_odds, 0) + np.log1p(small)))
    alive = np.where(log_odds > 0, small, 1.0) / (1 + small)
    share = weight * (1 - alive)
    slopes = np.stack([ratio, u * slope, np.full_like(u, 1 / a), -since])
    hessian = (slopes * (share * alive)) @ slopes.T
    hessian[0, 1] += share @ slope
    hessian[1, 1] -= share @ (u * slope * (inverses[0] + inverses[1]))
    hessian[2, 2] -= share.sum() / a**2
    hessian[3, 3] += share @ (since * since)
    return value, slopes @ share, hessian


def _rising_factorials(r: float, a: float, b: float, beyond: Floats, order: Floats) -> tuple[float, Floats, Floats]:
    """Σ ln Γ(r+x)/Γ(r) + ln Γ(b+x)/Γ(b) - ln Γ(a+b+x)/Γ(a+b) with derivatives in (r, α, a, b)."""
    r_terms, b_terms, ab_terms = r + order, b + order, a + b + order
    value = float(beyond @ (np.log(r_terms) + np.log(b_terms / ab_terms)))
    r_1, b_1, ab_1 = beyond @ (1 / r_terms), beyond @ (1 / b_terms), beyond @ (1 / ab_terms)
    r_2, b_2, ab_2 = beyond @ (1 / r_terms**2), beyond @ (1 / b_terms**2), beyond @ (1 / ab_terms**2)
    hessian = np.zeros((4, 4))
    hessian[0, 0], hessian[2, 2], hessian[3, 3] = -r_2, ab_2, ab_2 - b_2
    hessian[2, 3] = hessian[3, 2] = ab_2
    return value, np.array([r_1, 0.0, -ab_1, b_1 - ab_1]), hessian


class Predictor:
    """P(alive) and expected purchases under fixed parameters, for columns of customers.

    Frequency, recency and age are integer columns of one length (ticks as in `PurchaseHistories`). P(alive) and the expectation
    factor as `alive x rate`, where `rate(x, T)` depends on two small integers, so it is tabulated over the pairs that occur.
    Relative error at most 1e-11 against a reference in 60 digits. Immutable; safe to share between threads.
    """

    def __init__(self, parameters: BgNbd, *, ticks_per_unit: float = DAYS_PER_WEEK) -> None:
        self.parameters = parameters
        self.ticks_per_unit = ticks_per_unit

    def alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """P(the customer has not dropped out by T | x, t_x, T); 1 where x = 0."""
        x, t, ticks = _columns(frequency, recency, age)
        out = np.ones(x.size)
        if not x.size:
            return out
        log_dead, log_time = self._log_tables(int(x.max()), int(ticks.max()))
        r = float(self.parameters.r)
        for block in _blocks(x.size):
            # Without the customers of x = 0: most of a book, and exp(-inf) costs ten times what exp of a number does.
            rows = np.flatnonzero(x[block] > 0)
            repeats = x[block].take(rows)
            u = log_time.take(ticks[block].take(rows))
            u -= log_time.take(t[block].take(rows))
            u *= repeats + r
            u += log_dead.take(repeats)
            np.exp(u, out=u)
            u += 1
            out[block][rows] = np.divide(1, u, out=u)
        return out

    def expected(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizon: float) -> Floats:
        """Expected purchases in the next `horizon` units of time given (x, t_x, T) (eq. 10)."""
        return self.alive_and_expected(frequency, recency, age, horizon)[1]

    def alive_and_expected(
        self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizon: float
    ) -> tuple[Floats, Floats]:
        """P(alive), and the expected purchases in the next `horizon` units of time."""
        return self.alive_and_weighted(frequency, recency, age, np.array([horizon]), np.ones(1))

    def alive_and_weighted(
        self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizons: Floats, weights: Floats
    ) -> tuple[Floats, Floats]:
        """P(alive), and Σ weights[m] x expected purchases within horizons[m]: what a discounted value is made of."""
        x, t, ticks = _columns(frequency, recency, age)
        alive = self.alive(x, t, ticks)
        if not x.size:
            return alive, alive.copy()
        width = int(ticks.max()) + 1
        cells = (int(x.max()) + 1) * width
        out = np.empty(x.size)
        if cells > _MAX_TABLE:
            pairs, where = np.unique(np.stack([x, ticks], axis=1), axis=0, return_inverse=True)
            rates = self._weighted_rates(pairs[:, 0], pairs[:, 1], horizons, weights)
            return alive, np.multiply(alive, rates[where.ravel()], out=out)
        occurs = np.zeros(cells, dtype=bool)
        for block in _blocks(x.size):
            occurs[x[block] * width + ticks[block]] = True
        present = np.flatnonzero(occurs)
        table = np.empty(cells)
        table[present] = self._weighted_rates(present // width, present % width, horizons, weights)
        for block in _blocks(x.size):
            np.multiply(alive[block], table.take(x[block] * width + ticks[block]), out=out[block])
        return alive, out

    def purchases_of_new(self, horizons: ArrayLike) -> Floats:
        """Expected repeat purchases of a new customer within each horizon (eq. 9)."""
        spans = np.atleast_1d(np.asarray(horizons, dtype=np.float64))
        zero = np.zeros(1, dtype=np.int64)
        return np.array([float(self.rate(zero, zero, span)[0]) for span in spans])

    def scorer(self, horizon: float) -> Callable[[int, int, int], tuple[float, float]]:
        """A function (x, t_x, T) -> (P(alive), expected purchases within `horizon`) for one customer, in about a microsecond.

        It gives bit for bit what the columns give. It keeps the rates that it meets: one scorer per thread.
        """
        r, rates, exp = float(self.parameters.r), dict[tuple[int, int], float](), np.exp
        log_dead, log_time = (table.tolist() for table in self._log_tables(1, 1))

        def grow(x: int, age: int) -> None:
            nonlocal log_dead, log_time
            tables = self._log_tables(max(2 * x, len(log_dead)), max(2 * age, len(log_time)))
            log_dead, log_time = (table.tolist() for table in tables)

        def score(x: int, recency: int, age: int) -> tuple[float, float]:
            rate = rates.get((x, age))
            if rate is None:
                if x >= len(log_dead) or age >= len(log_time):
                    grow(x, age)
                rate = rates[x, age] = float(self.rate(np.array([x]), np.array([age]), horizon)[0])
            alive = 1.0 / (1.0 + float(exp((x + r) * (log_time[age] - log_time[recency]) + log_dead[x])))
            return alive, alive * rate

        return score

    def rate(self, frequency: Ints, age: Ints, horizon: float) -> Floats:
        """Expected purchases within `horizon` of a customer known to be alive at T.

        Eq. 10 after Euler's transformation of its ₂F₁ is C [1 - (1-z)^(a-1) ₂F₁(p, a-1; C; z)] / (a-1) with C = a+b+x-1,
        p = a+b-1-r, z = h/(α+T+h). Writing ₂F₁ = 1 + (a-1) G takes out the factor a-1, so that a = 1 is no special case.
        """
        q = self.parameters
        c = q.a + q.b - 1 + frequency.astype(np.float64)
        elapsed: Floats = q.alpha + age / self.ticks_per_unit
        log_1_z = np.log1p(-horizon / (elapsed + horizon))
        z = horizon / (elapsed + horizon)
        exponent = (q.a - 1) * log_1_z
        g = _series(q.a + q.b - 1 - q.r, q.a, c, z)
        return np.asarray(c * (-log_1_z * exprel(exponent) - g * np.exp(exponent)), dtype=np.float64)

    def _weighted_rates(self, x: Ints, age: Ints, horizons: Floats, weights: Floats) -> Floats:
        total = np.zeros(x.size)
        # Oldest first: z falls with T, so the pairs of one block need about the same number of terms.
        order = np.argsort(-age, kind="stable")
        for block in _blocks(x.size, 2048):
            rows = order[block]
            for horizon, weight in zip(horizons.tolist(), weights.tolist(), strict=True):
                total[rows] += weight * self.rate(x[rows], age[rows], horizon)
        return total

    def _log_tables(self, max_x: int, max_ticks: int) -> tuple[Floats, Floats]:
        q = self.parameters
        log_dead = np.full(max_x + 1, -np.inf)
        log_dead[1:] = np.log(q.a / (q.b + np.arange(max_x)))
        return log_dead, np.log(q.alpha + np.arange(max_ticks + 1) / self.ticks_per_unit)


def _series(p: float, a: float, c: Floats, z: Floats) -> Floats:
    """G = Σ_{k≥1} (p)_k (a)_{k-1} / (c)_k · z^k / k!, so that ₂F₁(p, a-1; c; z) = 1 + (a-1) G; converges for 0 <= z < 1."""
    term = p * z / c
    total = term.copy()
    for k in range(1, _MAX_TERMS):
        term *= ((p + k) * (a + k - 1) / (k + 1)) * z / (c + k)
        total += term
        if k % 8 == 0 and np.all(np.abs(term) <= 1e-17 * (1 - z) * np.abs(total)):
            return total
    raise ArithmeticError("the horizon is too long for the customer's age")


def _blocks(size: int, length: int = _BLOCK) -> list[slice]:
    return [slice(start, start + length) for start in range(0, size, length)]


def _columns(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[Ints, Ints, Ints]:
    x, t, ticks = (_wide(np.atleast_1d(column)) for column in (frequency, recency, age))
    if not x.shape == t.shape == ticks.shape:
        raise InvalidHistory("frequency, recency and age are columns of one length")
    return x, t, ticks


def _wide(column: NDArray[Any]) -> Ints:
    if column.size and not np.issubdtype(column.dtype, np.integer):
        raise InvalidHistory("frequency, recency and age are integers")
    # int32 stays as it is: half the memory traffic, and the products of `_MAX_TABLE` fit. Narrower columns would overflow.
    return column if column.dtype == np.int32 else column.astype(np.int64, copy=False)
