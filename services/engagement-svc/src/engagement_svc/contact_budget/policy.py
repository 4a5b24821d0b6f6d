"""Pure rules of the contact budget."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from engagement_svc.standards import ContactLimit

SELLING: Final = "marketing"
COUNTED: Final = (SELLING, "care")
"""The purposes whose contacts count. `service` is the customer's own matter."""
_COUNTED_AS: Final[Mapping[str, str]] = {"related_sales": "marketing", "care": "care", "plan_follow_up": "care"}
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Held:
    """A contact set aside for a business date, that nobody has confirmed."""

    id: UUID
    day: date
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """What counts of one customer: the dates of the contacts that were made, and those set aside."""

    used: tuple[date, ...]
    held: tuple[Held, ...]

    @property
    def days(self) -> tuple[date, ...]:
        return (*self.used, *(one.day for one in self.held))


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


def consent_for(purpose: str) -> str | None:
    """What the customer must have agreed to; None: care and the customer's own matters need no consent."""
    return SELLING if purpose == SELLING else None


def counted_as(purpose_of_contact: str) -> str | None:
    """For what a contact that the bank made counts, by the purpose in its record; None: not at all."""
    return _COUNTED_AS.get(purpose_of_contact)


def disturbs(purpose: str, channel: str) -> bool:
    """Whether such a contact keeps to the quiet hours: not in the customer's own matter, and not where the customer comes."""
    return purpose != "service" and channel != "branch"


def room(taken: Collection[date], day: date, limit: ContactLimit) -> int:
    """How many more contacts fit on the day: so many that no window of `per_days` days that contains it holds more than the limit.

    Windows that begin on a taken day or on the day itself are enough: any other loses nothing if it is moved on to the next of these.
    """
    starts = {day, *(one for one in taken if 0 <= (day - one).days < limit.per_days)}
    return max(0, limit.max_contacts - max(_number(taken, start, limit) for start in starts))


def first_fit(taken: Collection[date], since: date, until: date | None, limit: ContactLimit) -> date | None:
    """The earliest day from `since` through `until` (None: ever) that fits; None where none does.

    A day fits while the one before does not only where a taken one leaves the window.
    """
    days = {since, *(one + timedelta(days=limit.per_days) for one in taken)}
    return next(
        (day for day in sorted(days) if day >= since and (until is None or day <= until) and room(taken, day, limit)), None
    )


def giving_way(ledger: Ledger, day: date, limit: ContactLimit) -> list[Held]:
    """The contacts set aside that give way after one was made on `day`: the latest first, no more than needed.

    `ledger.used` has that contact already. Nothing gives way to contacts that were made before only.
    """
    held, cancelled = list(ledger.held), list[Held]()
    while True:
        taken = (*ledger.used, *(one.day for one in held))
        starts = [one for one in {day, *taken} if 0 <= (day - one).days < limit.per_days]
        over = [start for start in starts if _number(taken, start, limit) > limit.max_contacts]
        within = [one for one in held if any(0 <= (one.day - start).days < limit.per_days for start in over)]
        if not within:
            return cancelled
        latest = max(within, key=lambda one: (one.day, one.reserved_at, one.id))
        held.remove(latest)
        cancelled.append(latest)


def _number(taken: Collection[date], start: date, limit: ContactLimit) -> int:
    """How many lie in the window that begins on `start`."""
    return sum(0 <= (one - start).days < limit.per_days for one in taken)


def when_it_counts(day: date, today: date) -> date:
    """The date on which an unused reservation counts: its own, or the present one after it has passed."""
    return max(day, today)


def may_be_confirmed(cancelled_for_consent_at: datetime | None, made_at: datetime) -> bool:
    """Whether a contact made at that time is confirmed: always, but after a withdrawal has arrived."""
    return cancelled_for_consent_at is None or made_at < cancelled_for_consent_at


def was_without_consent(said_at: datetime | None, made_at: datetime) -> bool:
    """Whether the customer had withdrawn the consent before the contact, though the bank did not know yet."""
    return said_at is not None and said_at <= made_at


def is_plausible(made_at: datetime, reserved_at: datetime, now: datetime) -> bool:
    """A contact is made after it was set aside, and not in the future."""
    return reserved_at - CLOCK_TOLERANCE <= made_at <= now + CLOCK_TOLERANCE
