"""What a customer has agreed to, may be offered and prefers. Pure."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

EVERY_CHANNEL = ("any", "all", "*")


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """How much risk the customer bears, 1 to 5; it holds through `expires_on`."""

    level: int
    expires_on: date
    assessed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the customer agreed to be spoken to for a purpose by a channel."""

    purpose: str
    channel: str
    granted: bool


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """The replica of one customer; what no snapshot has told is None or empty."""

    customer_id: UUID
    customer_type: str
    birth_date: date | None
    known_since: date
    tier: str | None = None
    risk_profile: RiskProfile | None = None
    consents: tuple[Consent, ...] = ()
    vulnerable_until: date | None = None
    preferred_channels: tuple[str, ...] = ()

    def age_on(self, day: date) -> int | None:
        """Full years; None where the birth date is not known."""
        if self.birth_date is None:
            return None
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))

    def agrees_to(self, purpose: str, channel: str) -> bool:
        """A refusal for the channel wins over a general consent; without any statement there is none."""
        told = [one for one in self.consents if one.purpose == purpose and one.channel in (channel, *EVERY_CHANNEL)]
        return bool(told) and all(one.granted for one in told)
