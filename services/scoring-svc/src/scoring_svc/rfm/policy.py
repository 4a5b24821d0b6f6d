"""RFM bands, cells and named groups (S1, slide 91).

Recency is the days since the last act of the customer within the window, frequency the acts, monetary their sum in minor units of
one currency. Each is put into a band 1 (worst) to 5 (best) by four bounds.

Tie rule: a value lies above a bound only if it is strictly greater. Equal values therefore always share a band, and a value equal
to a bound belongs to the band of smaller values (for recency, where fewer days are better, the better band). A customer without
an act in the window has no cell (0) and takes no part in the bounds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
from guanxi_common.errors import Text
from numpy.typing import NDArray
from pydantic import ConfigDict

Ints = NDArray[np.int64]
Cells = NDArray[np.int16]
Bounds = tuple[int, int, int, int]

NO_CELL = 0
_BLOCK = 1 << 15
_COUNTABLE = 1 << 16


@dataclass(frozen=True, slots=True)
class RfmBounds:
    """Upper bounds of bands 1 to 4 in raw order, frozen for a book run; `origin` names the run or the standard."""

    recency_days: Bounds
    frequency: Bounds
    monetary_minor: Bounds
    origin: str

    def __post_init__(self) -> None:
        for bounds in (self.recency_days, self.frequency, self.monetary_minor):
            if list(bounds) != sorted(bounds):
                raise ValueError("bounds ascend")


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """A named part of the 125 cells: inclusive ranges of the three bands. The first group that fits names a cell."""

    code: str
    zh: str
    en: str
    r: tuple[int, int]
    f: tuple[int, int]
    m: tuple[int, int]

    def holds(self, r: int, f: int, m: int) -> bool:
        return self.r[0] <= r <= self.r[1] and self.f[0] <= f <= self.f[1] and self.m[0] <= m <= self.m[1]

    @property
    def name(self) -> Text:
        return Text(self.en, self.zh)


@dataclass(frozen=True, slots=True)
class FixedBands:
    """Thresholds set by the bank for one currency, instead of quintiles."""

    currency: str
    recency_days: Bounds
    frequency: Bounds
    monetary_minor: Bounds


@dataclass(frozen=True)
class RfmStandard:
    """The rules of RFM. `method` says where bounds come from; `no_activity` names customers without a cell."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    windows_days: tuple[int, ...]
    method: Literal["quintile", "fixed"]
    fixed_bands: tuple[FixedBands, ...]
    groups: tuple[RfmGroup, ...]
    no_activity: RfmGroup

    def __post_init__(self) -> None:
        for cell in ALL_CELLS:
            if not any(group.holds(*_digits(cell)) for group in self.groups):
                raise ValueError(f"no group holds the cell {cell}")

    def group(self, cell: int) -> RfmGroup:
        """The group of a cell such as 543, or of `NO_CELL`."""
        if cell == NO_CELL:
            return self.no_activity
        return next(group for group in self.groups if group.holds(*_digits(cell)))

    def bounds_for(self, currency: str) -> RfmBounds | None:
        """The fixed bounds for a currency, or None where the bank has set none."""
        for bands in self.fixed_bands:
            if bands.currency == currency:
                return RfmBounds(bands.recency_days, bands.frequency, bands.monetary_minor, f"standard:{self.version}:{currency}")
        return None

    def bounds_in_force(self, currency: str, frozen: Mapping[str, RfmBounds]) -> RfmBounds | None:
        """By `method`: the fixed bounds of the standard, or the `frozen` quintiles of the last book run. None: there are none."""
        return self.bounds_for(currency) if self.method == "fixed" else frozen.get(currency)


def _digits(cell: int) -> tuple[int, int, int]:
    return cell // 100, cell // 10 % 10, cell % 10


ALL_CELLS = tuple(100 * r + 10 * f + m for r in range(1, 6) for f in range(1, 6) for m in range(1, 6))


def quintile_bounds(recency_days: Ints, frequency: Ints, monetary_minor: Ints, origin: str) -> RfmBounds:
    """The bounds of one book: the value at rank ⌈k·n/5⌉, k = 1..4, among the customers with an act in the window.

    Columns of one length; the order of customers does not matter. Raises `ValueError` where nobody has acted.
    """
    active = np.flatnonzero(frequency > 0)
    if not active.size:
        raise ValueError("a book without any act has no quintiles")
    # Taking by index costs a tenth of what taking by mask does.
    recency, often, value = (column.take(active) for column in (recency_days, frequency, monetary_minor))
    return RfmBounds(_quintiles(recency), _quintiles(often), _quintiles(value), origin)


def _quintiles(values: Ints) -> Bounds:
    ranks = np.array([-(-k * values.size // 5) - 1 for k in (1, 2, 3, 4)])
    if int(values.min()) >= 0 and int(values.max()) < _COUNTABLE:
        # Days and counts repeat: counting each value beats selecting among a million.
        found = np.searchsorted(np.cumsum(np.bincount(values)), ranks, side="right")
    else:
        found = np.partition(values, np.unique(ranks))[ranks]
    one, two, three, four = found.tolist()
    return one, two, three, four


def cells(bounds: RfmBounds, recency_days: Ints, frequency: Ints, monetary_minor: Ints) -> Cells:
    """The cell of every customer: 100 R + 10 F + M, or `NO_CELL`."""
    out = np.empty(frequency.size, dtype=np.int16)
    for start in range(0, out.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        above = _exceeded(frequency[block], bounds.frequency)
        above *= np.int8(10)
        above += _exceeded(monetary_minor[block], bounds.monetary_minor)
        cell = out[block]
        np.multiply(_exceeded(recency_days[block], bounds.recency_days), np.int16(-100), out=cell)
        cell += above
        cell += np.int16(511)
        cell *= frequency[block] > 0
    return out


def _exceeded(values: Ints, bounds: Bounds) -> NDArray[np.int8]:
    """How many bounds each value is strictly above."""
    count = (values > bounds[0]).view(np.int8)
    for bound in bounds[1:]:
        count += (values > bound).view(np.int8)
    return count


def cell(bounds: RfmBounds, recency_days: int, frequency: int, monetary_minor: int) -> int:
    """The cell of one customer; the same as `cells` gives."""
    if frequency <= 0:
        return NO_CELL
    r, f, m = (
        sum(value > bound for bound in limits)
        for value, limits in (
            (recency_days, bounds.recency_days),
            (frequency, bounds.frequency),
            (monetary_minor, bounds.monetary_minor),
        )
    )
    return 511 - 100 * r + 10 * f + m


def migration(standard: RfmStandard, moves: Iterable[tuple[int, int, int]]) -> dict[tuple[str, str], int]:
    """Customers who moved from one group to another between two dates: (group before, group after) → customers, ascending.

    `moves` are (cell before, cell after, customers). A customer without an act in both windows is in no group and not counted.
    """
    moved: Counter[tuple[str, str]] = Counter()
    for before, after, customers in moves:
        if (before, after) != (NO_CELL, NO_CELL):
            moved[standard.group(before).code, standard.group(after).code] += customers
    return dict(sorted(moved.items()))


RFM_WINDOW_DAYS: Final = 365
