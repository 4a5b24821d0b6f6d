"""When a touch is due, for what, and by which channel. Pure; all dates are business dates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from guanxi_common.ids import derived_id
from guanxi_common.standards import load_standards
from pydantic import ConfigDict

from engagement_svc.customers.policy import Consent, is_granted

PURPOSE: Final = "care"


class Occasion(StrEnum):
    """What a touch is for."""

    BIRTHDAY = "birthday"
    CARE = "care"


@dataclass(frozen=True, slots=True)
class Talk:
    """How urgent a touch is, how long it stands, and what one speaks of."""

    priority_bp: int
    due_within_hours: int
    expires_days: int
    zh: str
    en: str


@dataclass(frozen=True)
class TouchStandard:
    """Periods and words; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    birthday_days: int
    care_days: int
    care_again_days: int
    birthday: Talk
    care: Talk
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.birthday_days < 0 or self.care_days < 1 or self.care_again_days < 1 or not self.channels:
            raise ValueError("care has a period of at least a day, and there is a channel")

    def talk(self, occasion: Occasion) -> Talk:
        return self.birthday if occasion is Occasion.BIRTHDAY else self.care


def load_touch_standard() -> TouchStandard:
    """The newest version that ships with the service."""
    versions: tuple[TouchStandard, ...] = load_standards("engagement_svc", TouchStandard, "touches")
    return versions[-1]


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules ask of a customer. `since`: when the customer came into somebody's book. `has_action`: one is on the list.

    `greeted_on`, `cared_for_on`: when the last task of the kind was opened, whoever asked for it; one that was withdrawn does not count.
    """

    customer_id: UUID
    birth_date: date | None = None
    since: date | None = None
    last_contact_on: date | None = None
    greeted_on: date | None = None
    cared_for_on: date | None = None
    has_action: bool = False
    consents: tuple[Consent, ...] = ()
    preferred_channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A touch that is due. `begun_on` tells it from the customer's other touches for the same occasion."""

    occasion: Occasion
    begun_on: date
    expires_on: date
    silent_days: int | None = None

    def touch_id(self, customer_id: UUID) -> UUID:
        """The same for the same customer, occasion and day."""
        return derived_id("touch", str(customer_id), self.occasion.value, self.begun_on.isoformat())


def touch_due(known: Known, today: date, standard: TouchStandard) -> Due | None:
    """The touch that is due, the birthday before care; None: none, or the customer's book is not here yet, and nobody would see it."""
    if known.since is None:
        return None
    return _birthday(known, today, standard) or _care(known, today, standard)


def _birthday(known: Known, today: date, standard: TouchStandard) -> Due | None:
    """From some days before the birthday through it, once."""
    on = birthday_ahead(known.birth_date, today, standard.birthday_days) if known.birth_date else None
    if on is None:
        return None
    begun_on = on - timedelta(days=standard.birthday_days)
    if known.greeted_on is not None and known.greeted_on >= begun_on:
        return None
    return Due(Occasion.BIRTHDAY, on, on)


def birthday_ahead(born: date, today: date, days: int) -> date | None:
    """The birthday, if it is today or at most so many days ahead; born on 29 February, it is kept on 1 March of a common year."""
    for year in (today.year, today.year + 1):
        on = _anniversary(born, year)
        if today <= on <= today + timedelta(days=days):
            return on
    return None


def _anniversary(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _care(known: Known, today: date, standard: TouchStandard) -> Due | None:
    """Nobody has spoken to the customer for the care period, and nothing else is planned."""
    heard_on = max(filter(None, (known.since, known.last_contact_on)), default=None)
    if heard_on is None or known.has_action:
        return None
    silent = (today - heard_on).days
    if silent < standard.care_days:
        return None
    begun_on = today - timedelta(days=(silent - standard.care_days) % standard.care_again_days)
    if known.cared_for_on is not None and known.cared_for_on >= begun_on:
        return None
    return Due(Occasion.CARE, begun_on, today + timedelta(days=standard.care.expires_days), silent)


def channel_for(preferred: Sequence[str], consents: Collection[Consent], standard: TouchStandard) -> str | None:
    """The customer's first preferred channel, else the standard's first, that the customer has not refused; None: all are refused."""
    ordered = (*(channel for channel in preferred if channel in standard.channels), *standard.channels)
    return next((channel for channel in ordered if is_granted(consents, PURPOSE, channel) is not False), None)
