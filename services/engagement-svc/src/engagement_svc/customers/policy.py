"""Pure rules of what a customer has agreed to."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consent:
    """What the customer has last said of one purpose and channel."""

    purpose: str
    channel: str
    granted: bool


def is_granted(consents: Collection[Consent], purpose: str, channel: str) -> bool | None:
    """What the customer has said of the purpose and channel; None: nothing."""
    return next((one.granted for one in consents if (one.purpose, one.channel) == (purpose, channel)), None)
