"""Which class of activity a transaction code belongs to. Interest, fees and standing orders are not the customer's acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import yaml
from guanxi_common.errors import Text

WINDOWS: Final = (30, 90, 365)
"""The windows of aggregates, RFM and features, in days. A window of n days up to `as_of` holds the n business dates after
`as_of` - n, `as_of` included: `as_of` - n < booked_on <= `as_of`. A posting of `as_of` itself counts, one of n days before does not.
"""

OPENING: Final = "opening_balance"
"""Not a class of postings: what an account must have held before its first entry, for its first reported balance to be right. It stood
from the beginning, and is known from the report's date on."""
CORRECTION: Final = "balance_correction"
"""Not a class of postings: by how much a later report differs from what the one before and the entries between them give. It stands from
the report's date on: entries are missing or late, and nobody knows on which day."""
RECKONED: Final = frozenset({OPENING, CORRECTION})


@dataclass(frozen=True, slots=True)
class ActivityClasses:
    """A version of the mapping from core banking's codes to classes (`activity_classes.yaml`).

    `bank_bookings`: neither in- nor outflow of the customer's money; so is what balances are reckoned by.
    """

    version: int
    by_code: Mapping[str, str]
    customer_initiated: frozenset[str]
    salary: frozenset[str]
    bank_bookings: frozenset[str]
    default: str
    names: Mapping[str, Text]

    def classify(self, code: str) -> str:
        """The class of a code; an unknown code falls into the default class."""
        return self.by_code.get(code, self.default)

    def name(self, activity_class: str) -> Text:
        """A class in words; one that an earlier version of the mapping had, and this one has not, is called by its code."""
        return self.names.get(activity_class, Text(activity_class, activity_class))


@dataclass(frozen=True, slots=True)
class DailyActivity:
    """What a customer's entries of one class and currency add up to on one business day; without an entry, one of `RECKONED`."""

    customer_id: UUID
    booked_on: date
    currency: str
    activity_class: str
    entries: int
    credit_minor: int
    debit_minor: int


def parse_activity_classes(document: Mapping[str, Any]) -> ActivityClasses:
    """Raises ValueError where a code names a class that is not declared."""
    classes: Mapping[str, Mapping[str, Any]] = document["classes"]
    by_code: dict[str, str] = {str(code): str(name) for code, name in document["codes"].items()}
    unknown = sorted(({*by_code.values(), document["default"]}) - classes.keys())
    if unknown:
        raise ValueError(f"undeclared activity classes: {', '.join(unknown)}")
    return ActivityClasses(
        version=int(document["version"]),
        by_code=by_code,
        customer_initiated=frozenset(name for name, facts in classes.items() if facts["customer_initiated"]),
        salary=frozenset(name for name, facts in classes.items() if facts.get("salary", False)),
        bank_bookings=frozenset(name for name, facts in classes.items() if facts.get("bank_booking", False)) | RECKONED,
        default=str(document["default"]),
        names={name: Text(str(facts["en"]), str(facts["zh"])) for name, facts in classes.items()},
    )


@cache
def load_activity_classes() -> ActivityClasses:
    """The mapping that ships with the service."""
    text = files("scoring_svc.ledger").joinpath("activity_classes.yaml").read_text(encoding="utf-8")
    return parse_activity_classes(yaml.safe_load(text))
