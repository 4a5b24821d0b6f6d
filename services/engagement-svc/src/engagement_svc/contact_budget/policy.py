"""Pure rules of the contact budget."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


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


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `since` (inclusive) to `until` (exclusive), local times; past midnight where `until` is not later."""

    since: time
    until: time

    def end_for(self, local: datetime) -> datetime | None:
        """When the quiet hours that `local` lies in end; None outside them."""
        at, passes_midnight = local.time(), self.until <= self.since
        before_midnight = at >= self.since and (passes_midnight or at < self.until)
        after_midnight = passes_midnight and at < self.until
        if not before_midnight and not after_midnight:
            return None
        day = local.date() + timedelta(days=int(before_midnight and passes_midnight))
        return datetime.combine(day, self.until, local.tzinfo)


def needs_consent(purpose: str) -> bool:
    """Whether the customer must have agreed to contacts of this purpose; care and the customer's own matters need no consent."""
    return purpose == "marketing"


def disturbs(purpose: str, channel: str) -> bool:
    """Whether such a contact keeps to the quiet hours: not in the customer's own matter, and not where the customer comes."""
    return purpose != "service" and channel != "branch"


def period_of(day: date, limit: ContactLimit) -> Period:
    """The period to which a business date belongs."""
    start = day - timedelta(days=(day.toordinal() - 1) % limit.per_days)
    return Period(start, start + timedelta(days=limit.per_days))
