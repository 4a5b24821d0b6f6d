"""Recommend what is to be done next, once, and withdraw what no longer stands."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.telemetry.metrics import ACTIONS

from scoring_svc.actions import policy, repository
from scoring_svc.actions.events import ActionRecommended, Words
from scoring_svc.actions.policy import ActionKind, ActionStandard
from scoring_svc.actions.repository import Action
from scoring_svc.signals.events import SignalReason
from scoring_svc.signals.policy import Kind as SignalKind
from scoring_svc.signals.policy import Severity
from scoring_svc.signals.repository import Signal


async def answer_signals(
    uow: UnitOfWork, standard: ActionStandard, raised: Sequence[Signal], today: date, now: datetime
) -> list[Action]:
    """Recommend one action for each signal that is not historical, in the signal's own transaction; returns what is new."""
    return await recommend(uow, [_answer(standard, signal, today, now) for signal in raised if not signal.historical])


async def recommend(uow: UnitOfWork, actions: Sequence[Action]) -> list[Action]:
    """Keep and publish the actions that were not recommended before; returns these."""
    new = [action for action in actions if await repository.insert_action(uow, action)]
    for action in new:
        await outbox.append(uow, _recommended(action), event_id=action.action_id)
    if new:
        uow.after_commit(lambda: _count(new))
    return new


def _answer(standard: ActionStandard, signal: Signal, today: date, now: datetime) -> Action:
    answer = standard.signals[SignalKind(signal.kind)]
    kind, severity = ActionKind(answer.kind), cast("Severity", signal.severity)
    value = policy.at_stake(signal.evidence)
    worth = policy.worth_bp(value, signal.currency, standard)
    return Action(
        customer_id=signal.customer_id,
        action_id=policy.action_id(signal.customer_id, "signal", str(signal.signal_id)),
        kind=kind,
        reason_code=signal.kind,
        reasons=[{"code": signal.reason_code, "zh": signal.reason_zh, "en": signal.reason_en}],
        product_code=None,
        channel="phone",
        content={"zh": answer.zh, "en": answer.en},
        price=None,
        priority_bp=policy.priority_bp(kind, severity, answer.propensity_bp, worth, standard),
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
