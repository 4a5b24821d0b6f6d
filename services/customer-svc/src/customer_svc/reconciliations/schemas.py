"""Bodies of a reconciliation."""

from datetime import date, datetime
from typing import Annotated, Literal

from guanxi_common.http.bodies import Answer, Body
from guanxi_common.money import MAX_AMOUNT
from pydantic import Field

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class DayTotal(Body):
    """Core's own figures for one day and currency. `sum` is signed, in minor units, credits positive."""

    booked_on: date
    currency: CurrencyCode
    count: Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
    sum: Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]


class ReconciliationRequest(Body):
    source: Annotated[str, Field(min_length=1, max_length=64)]
    days: Annotated[list[DayTotal], Field(min_length=1, max_length=400)]


LedgerState = Literal["agrees", "differs", "not_compared_yet"]


class LedgerResult(Answer):
    """Whether scoring's ledger holds what our postings say, as it was last compared: all sources, up to and including `as_of`."""

    status: LedgerState
    as_of: date | None
    compared_at: datetime | None


class DayResult(Answer):
    """Core's figures beside ours. `parked` of ours wait for their account, `held` reversals for their original.

    `ledger`: `not_compared_yet` for a day after the ledger's `as_of`; else how the whole ledger stands, for its sums know no source.
    """

    booked_on: date
    currency: str
    status: Literal["matched", "differs"]
    reported_count: int
    our_count: int
    reported_sum: int
    our_sum: int
    parked: int
    ledger: LedgerState


class ReconciliationResult(Answer):
    source: str
    status: Literal["matched", "differs"]
    days: list[DayResult]
    held_reversals: int
    ledger: LedgerResult
