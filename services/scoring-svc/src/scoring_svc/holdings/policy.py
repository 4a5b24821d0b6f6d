"""A holding. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Holding:
    """An account of the customer's. `balance_minor`: as core banking last reported it; `last_used_on`: the last act in the ledger."""

    account_id: UUID
    product_code: str
    currency: str
    opened_on: date
    matures_on: date | None = None
    closed_on: date | None = None
    balance_minor: int | None = None
    last_used_on: date | None = None

    def is_open(self, day: date) -> bool:
        return self.opened_on <= day and (self.closed_on is None or day < self.closed_on)


def closings(holdings: Sequence[Holding], cut: date) -> list[date] | None:
    """When the accounts that were open on the cut were closed, whenever that was; None where none was open: who has no account cannot
    close one. An account that is closed when its term ends has run its course, and is not among them."""
    held = [one for one in holdings if one.is_open(cut)]
    ended = (one.closed_on for one in held if one.matures_on is None or one.closed_on is None or one.closed_on < one.matures_on)
    return sorted(on for on in ended if on is not None) if held else None
