"""Recommend what is to be done next, once, and withdraw what no longer stands."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.telemetry.metrics import ACTIONS

from scoring_svc.actions import policy, repository
from scoring_svc.actions.events import ActionRecommended, ActionWithdrawn, Words
from scoring_svc.actions.policy import ActionKind, ActionStandard, Levers
from scoring_svc.actions.repository import Action, ArmCounts
from scoring_svc.actions.schemas import ArmOut, DifferenceOut, UpliftOut
from scoring_svc.actions.uplift import Share, difference
from scoring_svc.customers import repository as customers
from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.signals.events import SignalReason
from scoring_svc.signals.policy import Kind as SignalKind
from scoring_svc.signals.policy import Severity
from scoring_svc.signals.repository import Signal


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """`state`: accepted, declined or concluded; `because`: the reason of a decline, the outcome of an end."""

    customer_id: UUID
    action_id: UUID
    state: str
    because: str | None


async def answer_signals(
    uow: UnitOfWork, standard: ActionStandard, raised: Sequence[Signal], today: date, now: datetime
) -> list[Action]:
    """Recommend one action for each signal that is not historical, in the signal's own transaction; returns what is new."""
    fresh = [signal for signal in raised if not signal.historical]
    if not fresh:
        return []
    facts = await customers.read_facts(uow, {signal.customer_id for signal in fresh})
    levers = await repository.read_levers(uow)
    return await recommend(
        uow, [_answer(standard, signal, facts.get(signal.customer_id), levers, today, now) for signal in fresh]
    )


async def recommend(uow: UnitOfWork, actions: Sequence[Action]) -> list[Action]:
    """Keep and publish the actions that were not recommended before; returns these."""
    new = [action for action in actions if await repository.insert_action(uow, action)]
    for action in new:
        await outbox.append(uow, _recommended(action), event_id=action.action_id)
    if new:
        uow.after_commit(lambda: _count(new))
    return new


async def withdraw(uow: UnitOfWork, customer_id: UUID, action_id: UUID, reason: str, now: datetime) -> bool:
    """Withdraw a live action, with its reason; False where it is over already."""
    found = await repository.close_action(uow, customer_id, action_id, "withdrawn", reason, now)
    if found is None:
        return False
    await outbox.append(uow, ActionWithdrawn(action_id=action_id, customer_id=customer_id, reason=reason))
    uow.after_commit(lambda: _count_end(found[0], "withdrawn"))
    return True


async def answered(uow: UnitOfWork, answer: ActionAnswer, now: datetime) -> None:
    """Keep what engagement-svc made of an action, once; learn from an outcome. An unknown action is left alone."""
    found = await repository.close_action(uow, answer.customer_id, answer.action_id, answer.state, answer.because, now)
    if found is None:
        return
    success = policy.is_success(answer.because) if answer.state == "concluded" else None
    if success is not None:
        await repository.count_outcome(uow, *found, success=success)
    uow.after_commit(lambda: _count_end(found[0], answer.state))


async def reopened(uow: UnitOfWork, customer_id: UUID, action_id: UUID, now: datetime) -> None:
    """What had concluded an action was corrected: it is live again, and what was learnt of its outcome is forgotten."""
    found = await repository.reopen_action(uow, customer_id, action_id, now)
    if found is None:
        return
    kind, channel, outcome = found
    success = policy.is_success(outcome)
    if success is not None:
        await repository.count_outcome(uow, kind, channel, success=success, times=-1)


async def read_uplift(uow: UnitOfWork, standard: ActionStandard, classes: Collection[str], today: date) -> UpliftOut:
    """Treated and held-out customers side by side. `classes`: the activity classes that are acts of the customer's own."""
    arms = await repository.read_arms(uow, today, classes, standard.horizon_days)
    treated, held_out = (arms.get(hold_out, ArmCounts(0, 0, 0)) for hold_out in (False, True))
    return UpliftOut(
        as_of=today,
        horizon_days=standard.horizon_days,
        treated=ArmOut(**asdict(treated)),
        held_out=ArmOut(**asdict(held_out)),
        stayed=_difference(Share(treated.stayed, treated.customers), Share(held_out.stayed, held_out.customers)),
        bought=_difference(Share(treated.bought, treated.customers), Share(held_out.bought, held_out.customers)),
    )


def _difference(treated: Share, held_out: Share) -> DifferenceOut | None:
    found = difference(treated, held_out)
    return DifferenceOut(**{name: round(value, 6) for name, value in asdict(found).items()}) if found else None


async def _count_end(kind: str, outcome: str) -> None:
    ACTIONS.labels(kind, outcome).inc()


def _answer(
    standard: ActionStandard, signal: Signal, facts: CustomerFacts | None, levers: Levers, today: date, now: datetime
) -> Action:
    answer = standard.signals[SignalKind(signal.kind)]
    kind, severity = ActionKind(answer.kind), cast("Severity", signal.severity)
    value = policy.at_stake(signal.evidence, standard)
    worth = policy.worth_bp(value, signal.currency, standard)
    channel = policy.channel_for(kind, facts, standard.channels, levers, standard) or standard.channels[0]
    lever = policy.lever_bp(kind, channel, levers, standard)
    return Action(
        customer_id=signal.customer_id,
        action_id=policy.action_id(signal.customer_id, "signal", str(signal.signal_id)),
        kind=kind,
        reason_code=signal.kind,
        reasons=[{"code": signal.reason_code, "zh": signal.reason_zh, "en": signal.reason_en}],
        product_code=None,
        channel=channel,
        content={"zh": answer.zh, "en": answer.en},
        price=None,
        priority_bp=policy.priority_bp(kind, severity, answer.propensity_bp, worth, standard, lever_bp=lever),
        value_minor=value,
        currency=signal.currency,
        propensity_bp=answer.propensity_bp,
        chosen_probability_bp=policy.WHOLE_BP,
        due_within_hours=standard.due_within_hours[severity],
        expires_on=today + timedelta(days=standard.expires_after_days[kind]),
        evidence={**signal.evidence, "signal_ids": [str(signal.signal_id)]},
        model_version=standard.model_version,
        severity=severity,
        state="open",
        closed_because=None,
        recommended_at=now,
        recommended_on=today,
        changed_at=now,
    )


def _recommended(action: Action) -> ActionRecommended:
    reasons = [SignalReason(**reason) for reason in action.reasons]
    fields: dict[str, Any] = {name: getattr(action, name) for name in _TOLD}
    return ActionRecommended(
        **fields,
        reason=reasons[0],
        reasons=reasons,
        content=Words(**action.content),
        price=Words(**action.price) if action.price else None,
        evidence=dict(action.evidence),
        historical=False,
    )


_TOLD = ActionRecommended.model_fields.keys() - {"reason", "reasons", "content", "price", "evidence", "historical"}


async def _count(new: Sequence[Action]) -> None:
    """Once they are durable: a transaction that is tried again counts once."""
    for action in new:
        ACTIONS.labels(action.kind, "recommended").inc()
