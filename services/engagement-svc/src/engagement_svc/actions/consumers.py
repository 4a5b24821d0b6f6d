"""`scoring.actions`: recommended actions come onto the list, withdrawn ones leave it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler

from engagement_svc.actions import service
from engagement_svc.actions.service import Recommendation
from engagement_svc.contact_budget.repository import lock_accounts
from engagement_svc.parts import EngagementWorkerParts

ACTION_RECOMMENDED = "guanxi.action.recommended.v1"
ACTION_WITHDRAWN = "guanxi.action.withdrawn.v1"

T = TypeVar("T")


class _Words(msgspec.Struct):
    zh: str
    en: str


class _Recommended(msgspec.Struct):
    """What the worklist reads of `action.recommended`."""

    action_id: UUID
    customer_id: UUID
    kind: str
    reason_code: str
    reason: _Words
    channel: str
    content: _Words
    priority_bp: int
    due_within_hours: int
    expires_on: date
    evidence: dict[str, Any]
    historical: bool
    price: _Words | None = None
    product_code: str | None = None
    consent_purpose: str | None = None


class _Withdrawn(msgspec.Struct):
    action_id: UUID
    customer_id: UUID
    reason: str


def take_up_actions(parts: EngagementWorkerParts) -> Handler:
    """Make the handler of both types; it gets them interleaved, in the order of their key."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        work = parts.work(uow, "take-up-actions")
        told = [(event, _read(event)) for event in events]
        await lock_accounts(uow, {action.customer_id for _, action in told})
        for event, action in told:
            if isinstance(action, _Withdrawn):
                await service.withdraw(work, action.action_id, action.reason)
                continue
            if action.kind not in parts.standards.actions:
                raise PermanentError("unknown_kind_of_action", event.type, event_id=event.id)
            if not action.historical:
                await service.take_up(work, parts.rules, _recommendation(action, event))

    return handle


def follow_withdrawals(parts: EngagementWorkerParts) -> Handler:
    """Make the handler of `customer.agreements` that stands behind the replica's: what is set aside goes with its consent."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if not uow.replaying:
            named = sorted({UUID(event.key) for event in events if event.data is not None})
            await service.follow_withdrawals(parts.work(uow, "follow-withdrawals"), named)

    return handle


def _read(event: Envelope) -> _Recommended | _Withdrawn:
    return _decode(event, _Withdrawn) if event.type == ACTION_WITHDRAWN else _decode(event, _Recommended)


def _recommendation(told: _Recommended, event: Envelope) -> Recommendation:
    shown = {
        "action_id": str(told.action_id),
        "kind": told.kind,
        "channel": told.channel,
        "content": msgspec.to_builtins(told.content),
        "price": msgspec.to_builtins(told.price),
        "product_code": told.product_code,
        "expires_on": told.expires_on.isoformat(),
    }
    return Recommendation(
        action_id=told.action_id,
        customer_id=told.customer_id,
        kind=told.kind,
        channel=told.channel,
        product_code=told.product_code,
        consent_purpose=told.consent_purpose,
        reason_code=told.reason_code,
        reason=Text(told.reason.en, told.reason.zh),
        evidence={**told.evidence, "action": shown},
        priority_bp=told.priority_bp,
        due_within=timedelta(hours=told.due_within_hours),
        expires_on=told.expires_on,
        told_by=event,
    )


def _decode(event: Envelope, kind: type[T]) -> T:
    try:
        return msgspec.convert(event.data, kind)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error
