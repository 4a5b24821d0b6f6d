"""Money as whole minor units of one currency. Never a float: 0.1 yuan is 10 fen.

Amounts are bounded by what a PostgreSQL `bigint` holds, so that whatever passes here can be stored. Credits are positive.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import total_ordering
from typing import Annotated, ClassVar, Final, Self

from pydantic import ConfigDict, Field

from guanxi_common.currencies import MINOR_DIGITS

MIN_AMOUNT: Final = -(2**63)
MAX_AMOUNT: Final = 2**63 - 1

POSTING_LIMIT: Final = 10**15
"""The most that one posting or one reported balance may be, in minor units: ten trillion yuan, a billion dollars in rials."""

SUM_LIMIT: Final = 4 * 10**18
"""Where sums saturate: a sum is exact up to here, and says no more beyond. Four thousand postings at `POSTING_LIMIT` reach it.

Two of them add up within eight bytes: 2 * 4 * 10^18 < 2^63 = 9.22 * 10^18. So a running sum is `least(sum + part, SUM_LIMIT)` in plain int8
wherever the part is bounded too, and so is a difference of two sums.
"""


class UnknownCurrency(ValueError):
    """Not an ISO 4217 code that money is or was held in."""


class CurrencyMismatch(ValueError):
    """Amounts of two currencies were added or compared."""


class InvalidAmount(ValueError):
    """Not a whole number of minor units, or outside int8."""


def saturated(amount: int) -> int:
    """The sum, or `SUM_LIMIT` with its sign where it leaves that."""
    return max(-SUM_LIMIT, min(amount, SUM_LIMIT))


def saturated_sql(amount: str) -> str:
    """The same of an SQL expression of type `numeric` (the sum of a `bigint` column is one), as `bigint`."""
    return f"least(greatest({amount}, -{SUM_LIMIT}), {SUM_LIMIT})::bigint"


def minor_digits(currency: str) -> int:
    """Decimal digits of the currency's minor unit; raises `UnknownCurrency`."""
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise UnknownCurrency("unknown currency") from None


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units and its currency; in JSON `{"amount": 1250, "currency": "CNY"}`.

    Raises `InvalidAmount` and `UnknownCurrency` when made, `CurrencyMismatch` when two currencies meet; all are `ValueError`,
    so pydantic reports them as an invalid field. Floats, booleans and numeric strings are refused, not converted.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(strict=True, ge=MIN_AMOUNT, le=MAX_AMOUNT)]
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")]

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise InvalidAmount("an amount is a whole number of minor units")
        if not MIN_AMOUNT <= self.amount <= MAX_AMOUNT:
            raise InvalidAmount("the amount does not fit in 64 bits")
        minor_digits(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    @classmethod
    def from_major(cls, text: str, currency: str) -> Self:
        """Read `"-12.50"`; raises `InvalidAmount` where the text has more digits than the currency's minor unit."""
        try:
            scaled = Decimal(text).scaleb(minor_digits(currency))
            whole = int(scaled)
        except (InvalidOperation, ValueError, OverflowError):
            raise InvalidAmount("not a decimal amount") from None
        if scaled != whole:
            raise InvalidAmount("more digits than the currency's minor unit")
        return cls(whole, currency)

    def major_text(self) -> str:
        """The amount in major units with all its digits and no grouping: `"-12.50"`, in JPY `"-12"`."""
        digits = minor_digits(self.currency)
        return f"{Decimal(self.amount).scaleb(-digits):.{digits}f}"

    def __str__(self) -> str:
        return f"{self.major_text()} {self.currency}"

    def __add__(self, other: Self) -> Self:
        return type(self)(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.amount, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._same(other)

    def _same(self, other: Self) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch("amounts of two currencies")
        return other.amount
