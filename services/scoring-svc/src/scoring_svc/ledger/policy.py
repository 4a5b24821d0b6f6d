"""Which class of activity a transaction code belongs to. Interest, fees and standing orders are not the customer's acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any
from uuid import UUID

import yaml


@dataclass(frozen=True, slots=True)
class ActivityClasses:
    """A version of the mapping from core banking's codes to classes (`activity_classes.yaml`)."""

    version: int
    by_code: Mapping[str, str]
    customer_initiated: frozenset[str]
    salary: frozenset[str]
    bank_bookings: frozenset[str]
    default: str

    def classify(self, code: str) -> str:
        """The class of a code; an unknown code falls into the default class."""
        return self.by_code.get(code, self.default)


@dataclass(frozen=True, slots=True)
class DailyActivity:
    """What a customer's entries of one class and currency add up to on one business day."""

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
        bank_bookings=frozenset(name for name, facts in classes.items() if facts.get("bank_booking", False)),
        default=str(document["default"]),
    )


def load_activity_classes() -> ActivityClasses:
    """The mapping that ships with the service."""
    text = files("scoring_svc.ledger").joinpath("activity_classes.yaml").read_text(encoding="utf-8")
    return parse_activity_classes(yaml.safe_load(text))
