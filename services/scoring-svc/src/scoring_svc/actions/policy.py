"""What is to be done next, and how urgent it is (S5; slides 18, 35, 54).

Money in minor units, shares and weights in basis points; all arithmetic in integers, so that the same inputs give the same rank
everywhere. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from guanxi_common.ids import derived_id
from guanxi_common.money import saturated
from pydantic import ConfigDict

from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.signals.policy import Kind as SignalKind
from scoring_svc.signals.policy import Severity

WHOLE_BP = 10_000


class ActionKind(StrEnum):
    RETENTION = "retention"
    RELATED_SALE = "related_sale"
    SERVICE = "service"
    CARE = "care"
    DATE = "date"


FORMER_KINDS: Final = frozenset({ActionKind.CARE, ActionKind.DATE})
"""What versions 1 and 2 of the standard recommended, and engagement-svc now plans itself (D4)."""


@dataclass(frozen=True, slots=True)
class SignalAnswer:
    """What a raised signal asks for, in words, and the chance that a contact in time settles the matter."""

    kind: Literal["retention", "service"]
    propensity_bp: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Talk:
    """What one speaks of where no signal was raised, how urgent it is, and the chance that it reaches its end."""

    severity: Severity
    propensity_bp: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Prior:
    """The Beta law from which learning starts, in counts."""

    successes: int
    failures: int


@dataclass(frozen=True)
class ActionStandard:
    """Weights and periods; see `standards.yaml`. From `birthday` on: of versions 1 and 2, and nothing goes by them any more."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    kind_bp: Mapping[ActionKind, int]
    severity_bp: Mapping[Severity, int]
    half_value_minor: Mapping[str, int]
    floor_worth_bp: int
    balance_margin_bp: int
    expires_after_days: Mapping[ActionKind, int]
    due_within_hours: Mapping[Severity, int]
    signals: Mapping[SignalKind, SignalAnswer]
    bands: Mapping[str, Talk]
    complaint: Talk
    sale: Talk
    sales_considered: int
    period_days: int
    exploration_bp: int
    hold_out_bp: int
    prior: Prior
    lever_bounds_bp: tuple[int, int]
    channels: tuple[str, ...]
    horizon_days: int
    channel_names: Mapping[str, str] = field(default_factory=dict)
    birthday: Talk | None = None
    care: Talk | None = None
    birthday_days: int | None = None
    care_days: int | None = None
    contact_limits: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if set(self.signals) != set(SignalKind):
            raise ValueError("every kind of signal has an answer")
        if not set(self.kind_bp) == set(self.expires_after_days) >= set(ActionKind) - FORMER_KINDS:
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


def at_stake(figures: Mapping[str, object], standard: ActionStandard) -> int:
    """A year's margin of the money that a signal speaks of: what moved, or by how much the balance fell; 0 where it names none."""
    amount, balance, reference = (figures.get(name) for name in ("amount_minor", "balance_minor", "reference_minor"))
    if isinstance(amount, int):
        return margin(amount, standard)
    if isinstance(balance, int) and isinstance(reference, int):
        return margin(reference - balance, standard)
    return 0


def margin(amount_minor: int, standard: ActionStandard) -> int:
    """What the amount earns in a year."""
    return saturated(max(amount_minor, 0) * standard.balance_margin_bp // WHOLE_BP)


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the actions of a kind by a channel."""

    successes: int = 0
    failures: int = 0


Levers = Mapping[tuple[str, str], Tally]


def lever_bp(kind: ActionKind, channel: str, levers: Levers, standard: ActionStandard) -> int:
    """How much better than at first this kind by this channel works: the mean of Beta(prior + counts) over the prior's mean."""
    tally, prior = levers.get((kind.value, channel), Tally()), standard.prior
    successes, all_of_them = (
        prior.successes + tally.successes,
        prior.successes + prior.failures + tally.successes + tally.failures,
    )
    ratio = successes * (prior.successes + prior.failures) * WHOLE_BP // (all_of_them * prior.successes)
    lowest, highest = standard.lever_bounds_bp
    return max(lowest, min(highest, ratio))


def channel_for(
    kind: ActionKind, facts: CustomerFacts | None, allowed: tuple[str, ...], levers: Levers, standard: ActionStandard
) -> str | None:
    """The customer's first preferred channel that is allowed, else the allowed one that works best; None where none is."""
    preferred = facts.preferred_channels if facts else ()
    if best := next((channel for channel in preferred if channel in allowed), None):
        return best
    fitting = [channel for channel in standard.channels if channel in allowed]
    return max(fitting, key=lambda channel: lever_bp(kind, channel, levers, standard), default=None)


def is_success(outcome: str | None) -> bool | None:
    """Whether an outcome speaks for the action; None where nobody has tried (it expired)."""
    return None if outcome in (None, "expired") else outcome == "success"
