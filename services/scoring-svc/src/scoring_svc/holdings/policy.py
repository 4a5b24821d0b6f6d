"""A holding. Pure."""

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
