"""Generates what the data set says nothing of: consents, risk profiles, contact preferences and a few vulnerabilities.

All of it is made up and registered with `data_origin: generated`. A client always says the same: it is a pure function of the client and
the shift. Shares are judgement, and large enough that offers and each kind of refusal occur.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Literal

from guanxi_sandbox.berka import LAST_COMPLETE_DAY
from guanxi_sandbox.shift import Shift

TEXT_VERSION = "sandbox-1"
GENERATED = {"data_origin": "generated"}
# Per cent of all clients, few enough not to be noticed in a first start; a profile only of those who agreed to hear of offers.
_AGREES, _REFUSES, _IS_ASSESSED, _HAS_PREFERENCES, _IS_VULNERABLE = 14, 1, 70, 2, 1
_LEVELS = (1, 2, 2, 3, 3, 3, 4, 4, 5)
_OLDEST_ASSESSMENT = 400  # days before the last day of the data: some have expired
_REVIEW_AFTER = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class Said:
    """One request to make for a client: a POST or a PATCH of `body` to `operation` below the customer's address.

    `known_by` is the list, or the document, that shows whether it has been said before.
    """

    method: Literal["POST", "PATCH"]
    operation: str
    known_by: str
    body: dict[str, Any]


def said_by(client_id: int, shift: Shift) -> Iterator[Said]:
    """What the client says, in order; nothing for most."""
    random = Random(f"agreements|{client_id}")  # noqa: S311  # made-up data, to come out the same again
    drawn = random.randrange(100)
    if drawn < _AGREES:
        channels = ["phone", "sms", "wechat"] if random.randrange(100) < 60 else ["phone"]
        yield _consent("grant", {"channels": channels, "text_version": TEXT_VERSION})
        if random.randrange(100) < _IS_ASSESSED:
            assessed_on = shift.apply(LAST_COMPLETE_DAY) - timedelta(days=random.randrange(_OLDEST_ASSESSMENT))
            yield _post(
                "risk-profiles",
                {"level": random.choice(_LEVELS), "method": "questionnaire", "assessed_on": assessed_on.isoformat()},
            )
    elif drawn < _AGREES + _REFUSES:
        yield _consent("withdraw", {})
    if random.randrange(100) < _HAS_PREFERENCES:
        yield Said("PATCH", "contact-preferences", "contact-preferences", _preferences(random))
    if random.randrange(100) < _IS_VULNERABLE:
        review_on = shift.apply(LAST_COMPLETE_DAY) + _REVIEW_AFTER
        kind = random.choice(("health", "life_event", "resilience"))
        told = {"kind": kind, "evidence": "customer", "reason": "沙箱生成的示例。", "review_on": review_on.isoformat()}
        yield _post("vulnerabilities", told)


def _post(collection: str, body: dict[str, Any]) -> Said:
    return Said("POST", collection, collection, {**body, **GENERATED})


def _consent(verb: str, body: dict[str, Any]) -> Said:
    said = {"purpose": "marketing", "method": "signed_form", **body, **GENERATED}
    return Said("POST", f"consents:{verb}", "consents", said)


def _preferences(random: Random) -> dict[str, Any]:
    return {
        "method": "in_person",
        "preferred_channels": [random.choice(("phone", "branch", "wechat"))],
        "quiet_hours": {"from": "21:00", "to": "09:00"},
        "contact_limits": {"max_contacts": random.choice((1, 2, 4)), "per_days": 30},
        **GENERATED,
    }
