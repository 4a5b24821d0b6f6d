"""Contacts and plan reviews from engagement-svc."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler

from scoring_svc.contacts import repository
from scoring_svc.contacts.policy import ContactStandard
from scoring_svc.contacts.repository import ContactEffect

INTERACTION_RECORDED = "guanxi.interaction.recorded.v1"
PLAN_REVIEWED = "guanxi.plan.reviewed.v1"


class _Interaction(msgspec.Struct):
    """What retention reads of `interaction.recorded`."""

    interaction_id: UUID
    customer_id: UUID
    booked_on: date
    result: str
    relationship_effect: str | None = None


class _Review(msgspec.Struct):
    """What retention reads of `plan.reviewed`."""

    review_id: UUID
    customer_id: UUID
    reviewed_on: date
    outcome: str


def take_up_contacts(standard: ContactStandard, clock: Clock) -> Handler:
    """Make the handler of both types."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await repository.add_effects(uow, [_effect(event, standard) for event in events], clock.now())

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
    )
