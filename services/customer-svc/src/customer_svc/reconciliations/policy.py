"""How scoring's ledger stands. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Status = Literal["agrees", "differs", "not_compared_yet"]


@dataclass(frozen=True, slots=True)
class LedgerComparison:
    """The last comparison of the ledger with our postings that scoring has told: up to `until`, and how many buckets differed."""

    until: date
    compared_at: datetime
    differing: int


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How the ledger stands; `as_of`: the last business date that was compared."""

    status: Status
    as_of: date | None = None
    compared_at: datetime | None = None

    def on(self, day: date) -> Status:
        """How it stands for a business date."""
        return "not_compared_yet" if self.as_of is None or day > self.as_of else self.status


def ledger_state(comparison: LedgerComparison | None) -> LedgerState:
    if comparison is None:
        return LedgerState("not_compared_yet")
    return LedgerState("differs" if comparison.differing else "agrees", comparison.until, comparison.compared_at)
