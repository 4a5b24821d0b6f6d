"""Complaints and survey answers from engagement-svc."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

import msgspec
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler

from scoring_svc.features import repository
from scoring_svc.features.policy import FactKind
from scoring_svc.features.repository import NewFact

COMPLAINT_OPENED = "guanxi.complaint.opened.v1"
COMPLAINT_RESOLVED = "guanxi.complaint.resolved.v1"
SURVEY_ANSWERED = "guanxi.survey.answered.v1"

T = TypeVar("T")


class _Opened(msgspec.Struct):
    """What features read of `complaint.opened`."""

    complaint_id: UUID
    customer_id: UUID
    opened_on: date


class _Resolved(msgspec.Struct):
    """What features read of `complaint.resolved`."""

    complaint_id: UUID
    customer_id: UUID
    resolved_on: date


class _Answered(msgspec.Struct):
    """What features read of `survey.answered`."""

    answer_id: UUID
    customer_id: UUID
    answered_on: date
    satisfaction: int | None = None


def take_up_facts(clock: Clock) -> Handler:
    """Make the handler of the three types."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await repository.add_facts(uow, [_fact(event) for event in events], clock.now())

    return handle


def _fact(event: Envelope) -> NewFact:
    trace = event.traceparent
    if event.type == COMPLAINT_OPENED:
        opened = _decode(event, _Opened)
        return NewFact(opened.customer_id, opened.complaint_id, FactKind.COMPLAINT_OPENED, opened.opened_on, None, trace)
    if event.type == COMPLAINT_RESOLVED:
        ended = _decode(event, _Resolved)
        return NewFact(ended.customer_id, ended.complaint_id, FactKind.COMPLAINT_RESOLVED, ended.resolved_on, None, trace)
    told = _decode(event, _Answered)
    return NewFact(told.customer_id, told.answer_id, FactKind.SURVEY_ANSWERED, told.answered_on, told.satisfaction, trace)


def _decode(event: Envelope, kind: type[T]) -> T:
    try:
        return msgspec.convert(event.data, kind)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error
