"""What is to be done next, and how urgent it is (S5; slides 18, 35, 54).

Money in minor units, shares and weights in basis points; all arithmetic in integers, so that the same inputs give the same rank
everywhere. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.errors import Text
from guanxi_common.ids import derived_id
from pydantic import ConfigDict

from scoring_svc.signals.policy import Kind as SignalKind
from scoring_svc.signals.policy import Severity

WHOLE_BP = 10_000


class ActionKind(StrEnum):
    RETENTION = "retention"
    RELATED_SALE = "related_sale"
    SERVICE = "service"
    CARE = "care"
    DATE = "date"


Channel = Literal["phone", "visit", "message", "branch"]


@dataclass(frozen=True, slots=True)
class SignalAnswer:
    """What a raised signal asks for, in words, and the chance that a contact in time settles the matter."""

    kind: Literal["retention", "service"]
    propensity_bp: int
    zh: str
    en: str

    @property
    def content(self) -> Text:
        return Text(self.en, self.zh)


@dataclass(frozen=True)
class ActionStandard:
    """Weights and periods; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    kind_bp: Mapping[ActionKind, int]
    severity_bp: Mapping[Severity, int]
    half_value_minor: Mapping[str, int]
    floor_worth_bp: int
    expires_after_days: Mapping[ActionKind, int]
    due_within_hours: Mapping[Severity, int]
    signals: Mapping[SignalKind, SignalAnswer]

    def __post_init__(self) -> None:
        if set(self.signals) != set(SignalKind):
            raise ValueError("every kind of signal has an answer")
        if not set(self.kind_bp) == set(self.expires_after_days) == set(ActionKind):
            raise ValueError("every kind of action has a weight and an expiry")

    @property
    def model_version(self) -> str:
        return f"actions-{self.version}"


def worth_bp(value_minor: int, currency: str, standard: ActionStandard) -> int:
    """How much the value at stake weighs: from the floor up towards 1, half way at `half_value_minor`.

    A currency without a half value weighs at the floor: its amounts cannot be compared.
    """
    half = standard.half_value_minor.get(currency)
    share = value_minor * WHOLE_BP // (value_minor + half) if half and value_minor > 0 else 0
    return standard.floor_worth_bp + (WHOLE_BP - standard.floor_worth_bp) * share // WHOLE_BP


def priority_bp(
    kind: ActionKind, severity: Severity, propensity_bp: int, worth: int, standard: ActionStandard, *, lever_bp: int = WHOLE_BP
) -> int:
    """The arbitration: weight of the kind × context (severity) × propensity × worth × lever, at most 10,000."""
    product = standard.kind_bp[kind] * standard.severity_bp[severity] * propensity_bp * worth * lever_bp
    return min(WHOLE_BP, product // WHOLE_BP**4)


def action_id(customer_id: UUID, source: str, *parts: str) -> UUID:
    """The id of what `source` and its parts give rise to: found twice, it is the same action."""
    return derived_id("action", str(customer_id), source, *parts)


def at_stake(figures: Mapping[str, object]) -> int:
    """The money that a signal speaks of: the amount that moved, or by how much the balance fell; 0 where it names none."""
    amount, balance, reference = (figures.get(name) for name in ("amount_minor", "balance_minor", "reference_minor"))
    if isinstance(amount, int):
        return max(amount, 0)
    if isinstance(balance, int) and isinstance(reference, int):
        return max(reference - balance, 0)
    return 0
