"""What the lifetime models need of a customer's purchases: frequency, recency and age, with equal customers counted together.

`frequency` x: repeat purchases (days with a purchase, less one). `recency` t_x: from the first to the last. `age` T: from the
first to the end of observation. Recency and age are whole ticks (days); the models measure time in units of `ticks_per_unit`
ticks (7: weeks), so parameters read as in the literature.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_PER_WEEK: Final = 7.0


class InvalidHistory(ValueError):
    """A row that no sequence of purchases can give; the message says which rule, never which customer."""


@dataclass(frozen=True, slots=True)
class PurchaseHistories:
    """Distinct (frequency, recency, age) rows in ascending order, and how many customers share each.

    `repeat_from` is the index of the first row with a repeat purchase.
    """

    frequency: Ints
    recency: Ints
    age: Ints
    customers: Floats
    ticks_per_unit: float
    repeat_from: int

    @property
    def total(self) -> int:
        """Customers."""
        return int(self.customers.sum())

    @property
    def repeating(self) -> int:
        """Customers with at least one repeat purchase."""
        return int(self.customers[self.repeat_from :].sum())

    def beyond(self) -> Floats:
        """`beyond()[i]` = customers with more than i repeat purchases, for i below the highest frequency.

        With it, the sum over customers of ln Γ(c+x)/Γ(c) is Σ_i beyond[i] ln(c+i): no special function is needed.
        """
        counts = np.bincount(self.frequency, weights=self.customers)
        return np.cumsum(counts[::-1])[::-1][1:].astype(np.float64)

    def units(self, ticks: Ints) -> Floats:
        return ticks / self.ticks_per_unit


def compress(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, ticks_per_unit: float = DAYS_PER_WEEK
) -> PurchaseHistories:
    """Group equal rows. Each argument holds one integer per customer; the order of customers does not matter.

    Raises `InvalidHistory` for fractions, negative values, recency beyond age, and recency without a repeat purchase or the
    other way round.
    """
    x, t, age_ticks = _whole(frequency), _whole(recency), _whole(age)
    if not x.shape == t.shape == age_ticks.shape or x.ndim != 1:
        raise InvalidHistory("frequency, recency and age are columns of one length")
    if x.size == 0:
        return PurchaseHistories(x, t, age_ticks, np.zeros(0), ticks_per_unit, 0)
    if min(x.min(), t.min()) < 0 or np.any(t > age_ticks):
        raise InvalidHistory("0 <= recency <= age, and no negative frequency")
    if np.any((x > 0) != (t > 0)):
        raise InvalidHistory("a repeat purchase has a recency, and only a repeat purchase has")
    x, t, age_ticks, customers = _group(x, t, age_ticks)
    return PurchaseHistories(x, t, age_ticks, customers, ticks_per_unit, int(np.searchsorted(x, 1)))


@dataclass(frozen=True, slots=True)
class PurchaseSummary:
    """One row per customer, ascending by `customer`; `repeat_value` is the total of the repeat purchases in minor units."""

    customer: Ints
    frequency: Ints
    recency: Ints
    age: Ints
    repeat_value: Ints


def summarise(customer: ArrayLike, day: ArrayLike, amount: ArrayLike, *, end: int) -> PurchaseSummary:
    """Frequency, recency, age (in days) and repeat value from single purchases, in any order.

    `day` is a day number and `end` the last day of observation; later purchases are left out, and so is a customer with none
    before. Purchases of one day are one purchase.
    """
    who, when, minor = _whole(customer), _whole(day), _whole(amount)
    seen = when <= end
    who, when, minor = who[seen], when[seen], minor[seen]
    order = np.lexsort((when, who))
    who, when, minor = who[order], when[order], minor[order]
    new_customer = np.append(True, who[1:] != who[:-1])[: who.size]
    new_purchase = new_customer | np.append(True, when[1:] != when[:-1])[: who.size]
    starts = np.flatnonzero(new_customer)
    index = np.cumsum(new_customer) - 1
    first = when[starts]
    last = np.append(when[starts[1:] - 1], when[-1:])
    frequency = np.bincount(index, weights=new_purchase, minlength=starts.size).astype(np.int64) - 1
    repeat_value = np.zeros(starts.size, dtype=np.int64)
    np.add.at(repeat_value, index, np.where(when > first[index], minor, 0))
    return PurchaseSummary(who[starts], frequency, last - first, end - first, repeat_value)


def _whole(column: ArrayLike) -> Ints:
    values = np.asarray(column)
    if not np.issubdtype(values.dtype, np.integer) and values.size:
        raise InvalidHistory("frequency, recency and age are integers")
    return values.astype(np.int64, copy=False)


def _group(x: Ints, t: Ints, age: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    t_bits, age_bits = int(t.max()).bit_length(), int(age.max()).bit_length()
    if int(x.max()).bit_length() + t_bits + age_bits > 63:
        rows, customers = np.unique(np.stack([x, t, age], axis=1), axis=0, return_counts=True)
        return rows[:, 0], rows[:, 1], rows[:, 2], customers.astype(np.float64)
    # One sort of packed rows instead of three: the bulk of a fit over a million customers.
    packed = x << np.int64(t_bits + age_bits)
    packed |= t << np.int64(age_bits)
    packed |= age
    packed.sort()
    starts = np.flatnonzero(np.concatenate([[True], packed[1:] != packed[:-1]]))
    counts: Floats = np.diff(np.append(starts, packed.size)).astype(np.float64)
    packed = packed[starts]
    packed, ages = np.divmod(packed, np.int64(1 << age_bits))
    frequency, recency = np.divmod(packed, np.int64(1 << t_bits))
    return frequency, recency, ages, counts
