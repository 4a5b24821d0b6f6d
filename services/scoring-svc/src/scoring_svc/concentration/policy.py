"""The Lorenz curve, the Gini coefficient and the share of the top x % (S10, slides 45 and 46).

M. O. Lorenz, "Methods of Measuring the Concentration of Wealth", JASA 9 (1905), 209-219. Customers are ordered by value; L(p) is the
share of the total that the lowest p of them carry, linear between customers, and the Gini coefficient is 1 - 2 ∫L: 0 where all are
equal, 1 - 1/n where one of n has everything. A curve with negative values would leave the square and its coefficient lose its meaning,
so customers below zero (overdrawn, loss-making) are left out of it and told beside it, and not hidden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np
from guanxi_common.errors import Text
from guanxi_common.standards import standard_on
from numpy.typing import NDArray
from pydantic import ConfigDict

Ints = NDArray[np.int64]

CURVE_STEPS = 100
WHOLE_BP = 10_000


class Measure(StrEnum):
    """What a customer's value is; the standard says in words what each one measures, and what it does not."""

    BALANCE = "balance"
    AVERAGE_BALANCE = "average_balance"
    INFLOW = "inflow"
    OUTFLOW = "outflow"
    TURNOVER = "turnover"
    MARGIN = "margin"
    PRODUCT_MARGIN = "product_margin"


LATER: Final = frozenset({Measure.PRODUCT_MARGIN})
"""Measures that the first version did not have."""


class Part(StrEnum):
    """By what the book is divided. `book`: not at all."""

    BOOK = "book"
    OUTLET = "outlet"
    STAFF = "staff"
    TIER = "tier"


@dataclass(frozen=True, slots=True)
class MeasureText:
    """What a measure measures, in words."""

    code: Measure
    en: str
    zh: str

    @property
    def text(self) -> Text:
        return Text(self.en, self.zh)


@dataclass(frozen=True, slots=True)
class MarginRates:
    """In 1/10,000: of a year's average balance above zero, and of the volume in each activity class."""

    balance_rate_bp: int
    volume_rates_bp: Mapping[str, int]


@dataclass(frozen=True)
class ConcentrationStandard:
    """The rules of concentration. A version from before a measure existed does not describe it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    window_days: int
    top_percents: tuple[int, ...]
    measures: tuple[MeasureText, ...]
    margin: MarginRates

    def __post_init__(self) -> None:
        if sorted({*Measure} - LATER) != sorted({measure.code for measure in self.measures} - LATER):
            raise ValueError("every measure is described once")
        if not all(1 <= percent <= 100 for percent in self.top_percents) or self.window_days < 1:
            raise ValueError("percents from 1 to 100, and a window of at least a day")

    def describes(self, measure: Measure) -> bool:
        return any(one.code == measure for one in self.measures)

    def describe(self, measure: Measure) -> MeasureText:
        return next(one for one in self.measures if one.code == measure)


def standard_for(versions: Sequence[ConcentrationStandard], measure: Measure, day: date) -> ConcentrationStandard:
    """The version in force on a business date, or, before any that knows the measure, the first one that does."""
    return standard_on([version for version in versions if version.describes(measure)], day)


@dataclass(frozen=True, slots=True)
class TopShare:
    """The top `percent` of the customers (rounded up to whole ones) carry `share_bp` of the total."""

    percent: int
    customers: int
    share_bp: int


@dataclass(frozen=True, slots=True)
class Concentration:
    """`customers`, `total_minor`, `gini`, `top` and `curve` are of the customers with a value of zero or more.

    `curve[k]` is the share of the total that the lowest k/100 of them carry. Where the total is zero there is nothing to share: `gini`
    is None and `top` and `curve` are empty.
    """

    customers: int
    total_minor: int
    below_zero: int
    below_zero_minor: int
    gini: float | None
    top: tuple[TopShare, ...]
    curve: tuple[float, ...]


def concentration(values: Ints, top_percents: Sequence[int]) -> Concentration:
    """The concentration of one value per customer, in any order."""
    negative = values[values < 0]
    ascending = np.sort(values[values >= 0])
    total, size = exact_sum(ascending), int(ascending.size)
    below = (int(negative.size), exact_sum(negative))
    if total == 0:
        return Concentration(size, 0, *below, None, (), ())
    shares = np.concatenate([[0.0], np.cumsum(ascending, dtype=np.float64)]) / total
    shares[-1] = 1.0
    gini = 1.0 - float(shares[1:].sum() + shares[:-1].sum()) / size
    curve = np.interp(np.linspace(0, size, CURVE_STEPS + 1), np.arange(size + 1), shares)
    top = tuple(_top(shares, percent) for percent in top_percents)
    return Concentration(size, total, *below, max(gini, 0.0), top, tuple(curve.tolist()))  # max: rounding


def exact_sum(values: Ints) -> int:
    """The sum, which may leave eight bytes where the values do not: the upper and lower four bytes of each are summed apart.

    With fewer than 2^31 values neither sum leaves eight bytes: |upper| <= 2^31 and lower < 2^32.
    """
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def _top(shares: NDArray[np.float64], percent: int) -> TopShare:
    size = shares.size - 1
    customers = -(-size * percent // 100)
    return TopShare(percent, customers, round(WHOLE_BP * (1.0 - float(shares[size - customers]))))
