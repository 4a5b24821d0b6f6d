"""Customer lifetime value (CLV): expected purchases × expected value × margin, discounted by month.

P. S. Fader, B. G. S. Hardie, K. L. Lee, "RFM and CLV", Journal of Marketing Research 42 (2005), 415-430. The value of a month's
purchases falls due at the month's end. An expectation, in minor units as a float: it is a score and never booked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring_svc.lifetime.bgnbd import Predictor
from scoring_svc.lifetime.gamma_gamma import GammaGamma, expected_value
from scoring_svc.lifetime.sufficient import Floats

DAYS_PER_MONTH = 365 / 12


@dataclass(frozen=True, slots=True)
class ClvTerms:
    """`monthly_rate` is the discount per month (0.01: one per cent); `margin_bp` the bank's share of a purchase in 1/10,000.

    `days_per_month` is a twelfth of a year; the literature's 30 can be set to compare.
    """

    months: int = 12
    monthly_rate: float = 0.01
    margin_bp: int = 10_000
    days_per_month: float = DAYS_PER_MONTH

    def __post_init__(self) -> None:
        if self.months < 1 or self.monthly_rate < 0 or not 0 <= self.margin_bp <= 10_000 or self.days_per_month <= 0:
            raise ValueError("months >= 1, monthly_rate >= 0, 0 <= margin_bp <= 10000, days_per_month > 0")


def discounted_purchases(
    predictor: Predictor, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, terms: ClvTerms
) -> tuple[Floats, Floats]:
    """P(alive), and Σ_m (E(m) - E(m-1)) / (1+d)^m with E(m) the expected purchases within m months. Ticks are days.

    Summed by parts, so that each month's expectation is used once.
    """
    months = np.arange(1, terms.months + 1, dtype=np.float64)
    factors = (1 + terms.monthly_rate) ** -months
    weights = factors - np.append(factors[1:], 0.0)
    horizons: Floats = months * terms.days_per_month / predictor.ticks_per_unit
    return predictor.alive_and_weighted(frequency, recency, age, horizons, weights)


def customer_lifetime_value(
    predictor: Predictor,
    spending: GammaGamma,
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    repeat_value: ArrayLike,
    terms: ClvTerms,
) -> Floats:
    """CLV in minor units for integer columns of one length; `repeat_value` is the total of the repeat purchases."""
    _, purchases = discounted_purchases(predictor, frequency, recency, age, terms)
    purchases *= expected_value(spending, np.atleast_1d(frequency), np.atleast_1d(repeat_value))
    purchases *= terms.margin_bp / 10_000
    return purchases
