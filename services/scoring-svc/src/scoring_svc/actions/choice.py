"""Which of the candidates is recommended: one a period, hold-out, arbitration, bounded exploration (S5). Pure and repeatable.

Chance is a hash of the customer and the period, so that planning again chooses the same; the probability is stored with the action.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from scoring_svc.actions.candidates import Candidate, Past
from scoring_svc.actions.policy import (
    WHOLE_BP,
    ActionKind,
    ActionStandard,
    Levers,
    channel_for,
    lever_bp,
    priority_bp,
    worth_bp,
)
from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.related_sales.policy import Refusal

HELD_OUT = (ActionKind.RETENTION, ActionKind.RELATED_SALE)
EPOCH = date(2020, 1, 1)
STANDING = ("open", "accepted", "concluded")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a choice is made on, beside the candidates."""

    customer_id: UUID
    today: date
    facts: CustomerFacts | None = None
    past: Sequence[Past] = ()
    levers: Levers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate with all refusals, its channel and rank; `probability_bp` is 0 for what could not be chosen."""

    candidate: Candidate
    channel: str | None
    priority_bp: int
    refusals: tuple[Refusal, ...] = ()
    chosen: bool = False
    probability_bp: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that was considered, the best first; `hold_out`: the customer serves as the comparison."""

    considered: tuple[Considered, ...]
    hold_out: bool

    @property
    def chosen(self) -> tuple[Considered, ...]:
        return tuple(one for one in self.considered if one.chosen)

    @property
    def fitting(self) -> int:
        return sum(not one.refusals for one in self.considered)


def share_of(customer_id: UUID, salt: str) -> int:
    """A number from 0 to 9,999 that depends on nothing but the customer and the salt, evenly spread."""
    digest = hashlib.sha256(customer_id.bytes + salt.encode()).digest()
    return int.from_bytes(digest[:8], "big") % WHOLE_BP


def is_held_out(customer_id: UUID, standard: ActionStandard) -> bool:
    """Stable for ever: the group does not change with the standard's version, it only grows or shrinks with its share."""
    return share_of(customer_id, "hold-out") < standard.hold_out_bp


def period_start(today: date, standard: ActionStandard) -> date:
    """The first day of the period in which one choice is made."""
    return today - timedelta(days=(today - EPOCH).days % standard.period_days)


def choose(grounds: Grounds, found: Sequence[Candidate], standard: ActionStandard) -> Choice:
    """Duties are all chosen; of the rest at most one, the best but for exploration."""
    hold_out = is_held_out(grounds.customer_id, standard)
    ranked = sorted((_consider(candidate, grounds, standard, hold_out=hold_out) for candidate in found), key=_rank)
    duties = {id(one) for one in ranked if one.candidate.duty and not one.refusals}
    open_to_choice = [one for one in ranked if not one.refusals and not one.candidate.duty]
    picked, probabilities = _pick(grounds.customer_id, period_start(grounds.today, standard), open_to_choice, standard)
    return Choice(
        tuple(
            replace(
                one,
                chosen=one is picked or id(one) in duties,
                probability_bp=WHOLE_BP if id(one) in duties else probabilities.get(id(one), 0),
            )
            for one in ranked
        ),
        hold_out,
    )


def _rank(one: Considered) -> tuple[bool, int, str, str, str]:
    kind, reason_code, product_code = one.candidate.key
    return bool(one.refusals), -one.priority_bp, kind, reason_code, product_code or ""


def _pick(
    customer_id: UUID, period: date, fitting: Sequence[Considered], standard: ActionStandard
) -> tuple[Considered | None, dict[int, int]]:
    """The best, or with the standard's probability one at random of all that fit. Returns it and everyone's probability.

    The draw has 10,000 equal parts; what a division leaves over goes to the best, so that the probabilities add up to 1 exactly.
    """
    if not fitting:
        return None, {}
    each = standard.exploration_bp // len(fitting)
    probabilities = {id(one): each for one in fitting}
    probabilities[id(fitting[0])] = WHOLE_BP - each * (len(fitting) - 1)
    draw = share_of(customer_id, f"explore:{period.isoformat()}")
    if each and draw < each * (len(fitting) - 1):
        return fitting[1 + draw // each], probabilities
    return fitting[0], probabilities


def _consider(candidate: Candidate, grounds: Grounds, standard: ActionStandard, *, hold_out: bool) -> Considered:
    facts, levers = grounds.facts, grounds.levers
    channel = channel_for(candidate.kind, facts, candidate.channels, levers, standard)
    worth = worth_bp(candidate.value_minor, candidate.currency, standard)
    lever = lever_bp(candidate.kind, channel, levers, standard) if channel else WHOLE_BP
    rank = priority_bp(candidate.kind, candidate.severity, candidate.propensity_bp, worth, standard, lever_bp=lever)
    refusals = [*candidate.refusals, *_against(candidate, grounds, standard, hold_out=hold_out)]
    if channel is None and not candidate.refusals:
        refusals.append(Refusal("no_channel", {"preferred": list(facts.preferred_channels) if facts else []}))
    return Considered(candidate, channel, rank, tuple(refusals))


def _against(candidate: Candidate, grounds: Grounds, standard: ActionStandard, *, hold_out: bool) -> Iterator[Refusal]:
    """What speaks against it now. A duty is only not told twice. How many contacts a customer bears is engagement-svc's to say (D5)."""
    recent = [one for one in grounds.past if (grounds.today - one.recommended_on).days < standard.period_days]
    if candidate.duty:
        recent = [one for one in grounds.past if one.evidence.get("complaint_id") == candidate.evidence.get("complaint_id")]
    same = (one for one in recent if (one.kind, one.reason_code, one.product_code) == candidate.key and one.state != "withdrawn")
    asked_on = max((one.recommended_on for one in same), default=None)
    if asked_on is not None:
        yield Refusal("asked_lately", {"recommended_on": asked_on})
    if candidate.duty:
        return
    if hold_out and candidate.kind in HELD_OUT:
        yield Refusal("hold_out", {"hold_out_bp": standard.hold_out_bp})
    standing = [one.recommended_on for one in recent if one.state in STANDING]
    if standing:
        yield Refusal("one_a_period", {"recommended_on": max(standing), "period_days": standard.period_days})
