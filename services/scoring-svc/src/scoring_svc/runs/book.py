"""A whole book as columns: what a run fits, freezes and scores. Pure; equal to the single-customer path in every figure.

Rows that are not plain (see `scores.columns`) take part in the fit and in the bands; they are not scored here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.lifetime.fit import Fit, FitRefused
from scoring_svc.lifetime.repository import HORIZON_WEEKS
from scoring_svc.lifetime.sufficient import compress
from scoring_svc.retention.columns import NONE, risks
from scoring_svc.retention.policy import FULL_RISK_BP, RetentionStandard
from scoring_svc.rfm.policy import RfmBounds, RfmStandard, cells, quintile_bounds

Columns = Mapping[str, NDArray[Any]]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FITTED: Final = ("act_days", "act_span_days", "act_age_days")
BANDED: Final = ("rfm_recency_days", "rfm_frequency", "rfm_monetary_minor")
_NARROW: Final = ("history_days", "acts_recent", "acts_before", "silent_days", "income_overdue_days")
_MONEY: Final = ("balance_minor", "median_balance_minor", "outflow_minor", "inflow_minor")
_SIX_DIGITS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Book:
    """One row per customer. `columns` by their names in the table; `currency` indexes `currencies`, which ascend."""

    columns: Columns
    currency: Ints
    currencies: tuple[str, ...]

    @property
    def size(self) -> int:
        return int(self.currency.size)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """P(alive) in basis points and expected acts in 90 days, to six digits; `NONE` and not a number without a repeat purchase."""

    p_alive_bp: Ints
    expected: Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """A block of the book: `band` indexes `BANDS`, `main` `RULES`; `NONE`: no reason, no cell."""

    value_bp: Ints
    band: Ints
    main: Ints
    cell: Ints


def book_of(columns: Columns) -> Book:
    """`columns` with `currency` as three bytes a row."""
    letters = columns["currency"].view(np.uint8).reshape(-1, 3).astype(np.int64)
    codes = letters[:, 0] << 16 | letters[:, 1] << 8 | letters[:, 2]
    found: list[int] = []
    left = codes
    while left.size:  # a book has a handful: this beats sorting a million
        found.append(int(left[0]))
        left = left[left != left[0]]
    found.sort()
    index = np.searchsorted(np.array(found, dtype=np.int64), codes)
    return Book(columns, index.astype(np.int64), tuple(code.to_bytes(3, "big").decode() for code in found))


def fit(columns: Columns, start: BgNbd | None = None) -> Fit[BgNbd] | FitRefused:
    """BG/NBD on days with an act of the customer's own: postings of a day are one purchase.

    `start`: the parameters in use, for speed. What is refused from there is tried once more from nothing.
    """
    acting = np.flatnonzero(columns["act_days"] > 0)
    days, span, age = (columns[name].take(acting).astype(np.int64) for name in FITTED)
    histories = compress(days - 1, span, age)
    found = bgnbd.fit(histories, start=start)
    return bgnbd.fit(histories) if start and isinstance(found, FitRefused) else found


def bounds(book: Book, origin: str) -> dict[str, RfmBounds]:
    """The quintiles of each currency in which somebody has acted within the window."""
    found: dict[str, RfmBounds] = {}
    for number, name in enumerate(book.currencies):
        rows = np.flatnonzero(book.currency == number)
        recency, frequency, monetary = (book.columns[column].take(rows).astype(np.int64) for column in BANDED)
        if frequency.any():
            found[name] = quintile_bounds(recency, frequency, monetary, origin)
    return found


def lifetimes(book: Book, predictor: Predictor | None) -> Lifetimes:
    alive_bp, expected = np.full(book.size, NONE, dtype=np.int64), np.full(book.size, np.nan)
    repeating = np.flatnonzero(book.columns["act_days"] >= 2)
    if predictor is not None and repeating.size:
        days, span, age = (book.columns[name].take(repeating).astype(np.int64) for name in FITTED)
        alive, acts = predictor.alive_and_expected(days - 1, span, age, HORIZON_WEEKS)
        alive_bp[repeating] = (alive * FULL_RISK_BP).astype(np.int64)
        expected[repeating] = six_digits(acts)
    return Lifetimes(alive_bp, expected)


def score(
    book: Book, rows: slice, found: Lifetimes, retention: RetentionStandard, rfm: RfmStandard, frozen: Mapping[str, RfmBounds]
) -> Scored:
    """The scores of some rows by the rules."""
    currency = book.currency[rows]
    columns: dict[str, NDArray[Any]] = {name: book.columns[name][rows].astype(np.int64) for name in (*_NARROW, *_MONEY)}
    columns["p_alive_bp"] = found.p_alive_bp[rows]
    value, band, main = risks(columns, currency, book.currencies, retention)
    recency, frequency, monetary = (book.columns[name][rows].astype(np.int64) for name in BANDED)
    cell = np.full(currency.size, NONE, dtype=np.int64)
    for number, name in enumerate(book.currencies):
        limits = rfm.bounds_in_force(name, frozen)
        mine = np.flatnonzero(currency == number)
        if limits is not None and mine.size:
            cell[mine] = cells(limits, recency.take(mine), frequency.take(mine), monetary.take(mine))
    return Scored(value, band, main, cell)


def six_digits(values: Floats) -> Floats:
    """`round(value, 6)` of each, to the bit.

    Away from the middle between two neighbours, k / 10^6 with k the nearest integer is the nearest double to the rounded decimal, as
    Python's is; near it, the product may have crossed the middle, and Python decides.
    """
    scaled = values * _SIX_DIGITS
    nearest = np.rint(scaled)
    rounded: Floats = nearest / _SIX_DIGITS
    for index in np.flatnonzero(np.abs(scaled - nearest) > 0.4999):
        rounded[index] = round(float(values[index]), 6)
    return rounded
