"""Consumers drop what comes later of a customer who was erased: the log keeps older records than the erasure, and rebuilds read them."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.registry import erased_among
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.processing import Handler, Subscription


def without_the_erased(subscription: Subscription) -> Subscription:
    """The subscription, whose handlers see no data of erased customers. Its topic's keys are customer ids; tombstones pass."""
    dropping: dict[Handler, Handler] = {handler: _dropping(handler) for handler in subscription.handlers.values()}
    handlers = {type_: dropping[handler] for type_, handler in subscription.handlers.items()}
    return Subscription(subscription.topic, handlers, dedupe=subscription.dedupe, parsed_by=subscription.parsed_by)


def _dropping(handler: Handler) -> Handler:
    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        erased = {str(one) for one in await erased_among(uow, [UUID(key) for key in {event.key for event in events}])}
        kept = [event for event in events if event.key not in erased or _is_tombstone(event)]
        if kept:
            await handler(uow, kept)

    return handle


def _is_tombstone(event: Envelope) -> bool:
    return event.data is None and event.raw is None
