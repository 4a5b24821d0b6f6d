"""Consumers drop what comes later of a customer who was erased: the log keeps older records than the erasure, and rebuilds read them.

A tombstone erases only whom the list of erasures names: the list is written before the tombstone is sent, and whoever writes to the
topic does not thereby write to the list.
"""

from collections.abc import Sequence
from uuid import UUID

import anyio.to_thread

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.records import ErasureList, ErasureListBroken
from guanxi_common.erasure.registry import erased_among
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.policy import ERASURE_NOT_LISTED
from guanxi_common.messaging.processing import Handler, Subscription


class ListedErasures:
    """Whom the list of erasures names; it is read again where somebody is not known to be on it."""

    def __init__(self, erasures: ErasureList) -> None:
        self._list = erasures
        self._known: frozenset[str] = frozenset()

    async def demand(self, tombstones: Sequence[Envelope]) -> None:
        """Raise `PermanentError` for a tombstone of somebody who is not on the list, `OSError` where the list cannot be read now."""
        if any(event.key not in self._known for event in tombstones):
            try:
                listed = await anyio.to_thread.run_sync(self._list.read)
            except ErasureListBroken as error:
                raise OSError("the list of erasures is broken") from error
            self._known = frozenset(str(erasure.customer_id) for erasure in listed)
        for event in tombstones:
            if event.key not in self._known:
                raise PermanentError(ERASURE_NOT_LISTED, event.type, event_id=event.id)


def without_the_erased(subscription: Subscription, listed: ListedErasures) -> Subscription:
    """The subscription, whose handlers see no data of erased customers. Its topic's keys are customer ids; listed tombstones pass."""
    dropping: dict[Handler, Handler] = {handler: _dropping(handler, listed) for handler in subscription.handlers.values()}
    handlers = {type_: dropping[handler] for type_, handler in subscription.handlers.items()}
    return Subscription(subscription.topic, handlers, dedupe=subscription.dedupe, parsed_by=subscription.parsed_by)


def _dropping(handler: Handler, listed: ListedErasures) -> Handler:
    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        await listed.demand([event for event in events if _is_tombstone(event)])
        erased = {str(one) for one in await erased_among(uow, [UUID(key) for key in {event.key for event in events}])}
        kept = [event for event in events if event.key not in erased or _is_tombstone(event)]
        if kept:
            await handler(uow, kept)

    return handle


def _is_tombstone(event: Envelope) -> bool:
    return event.data is None and event.raw is None
