"""Pure rules of the contact budget."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class ContactLimit:
    """At most `max_contacts` contacts in `per_days` days."""

    max_contacts: int
    per_days: int

    def __post_init__(self) -> None:
        if self.max_contacts < 0 or self.per_days < 1:
            raise ValueError("a limit allows no negative number of contacts, in at least a day")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to the day before `end`."""

    start: date
    end: date


def period_of(day: date, limit: ContactLimit) -> Period:
    """The period to which a business date belongs."""
    start = day - timedelta(days=(day.toordinal() - 1) % limit.per_days)
    return Period(start, start + timedelta(days=limit.per_days))
