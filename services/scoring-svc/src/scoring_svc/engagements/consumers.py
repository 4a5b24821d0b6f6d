"""What engagement-svc tells: contacts and plan reviews, complaints and survey answers."""

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

from scoring_svc.engagements import repository
from scoring_svc.engagements.policy import ContactStandard
from scoring_svc.engagements.repository import ContactEffect, NewFact
from scoring_svc.features.policy import FactKind
from scoring_svc.method import Methods

INTERACTION_RECORDED = "guanxi.interaction.recorded.v1"
INTERACTION_CORRECTED = "guanxi.interaction.corrected.v1"
PLAN_REVIEWED = "guanxi.plan.reviewed.v1"
COMPLAINT_OPENED = "guanxi.complaint.opened.v1"
COMPLAINT_RESOLVED = "guanxi.complaint.resolved.v1"
SURVEY_ANSWERED = "guanxi.survey.answered.v1"

T = TypeVar("T")


class _Interaction(msgspec.Struct):
    """What retention reads of `interaction.recorded`, which is revision 1, and of `interaction.corrected`."""

    interaction_id: UUID
    customer_id: UUID
    booked_on: date
    result: str
    relationship_effect: str | None = None
    revision: int = 1


class _Review(msgspec.Struct):
    """What retention reads of `plan.reviewed`."""

    review_id: UUID
    customer_id: UUID
    reviewed_on: date
    outcome: str


def take_up_contacts(methods: Methods, clock: Clock) -> Handler:
    """Make the handler of contacts, recorded and corrected, and of plan reviews."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        now = clock.now()
        standard = methods.at(now)[ContactStandard]
        await repository.add_effects(uow, [_effect(event, standard) for event in events], now)

    return handle


def _effect(event: Envelope, standard: ContactStandard) -> ContactEffect:
    try:
        if event.type == PLAN_REVIEWED:
            review = msgspec.convert(event.data, _Review)
            return ContactEffect(
                review.customer_id,
                review.review_id,
                "plan_review",
                review.reviewed_on,
                standard.review_bp(review.outcome),
                standard.version,
                event.traceparent,
                review.outcome,
            )
        contact = msgspec.convert(event.data, _Interaction)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error
    return ContactEffect(
        contact.customer_id,
        contact.interaction_id,
        "interaction",
        contact.booked_on,
        standard.interaction_bp(contact.result, contact.relationship_effect),
        standard.version,
        event.traceparent,
        contact.result,
        contact.relationship_effect,
        contact.revision,
    )


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
