"""Facets of customers: one whose birthday is near may have become known just now."""

from collections.abc import Sequence
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.touches import service
from engagement_svc.touches.policy import TouchStandard


def touches_follow_customers(parts: EngagementWorkerParts) -> Handler:
    """Make the handler of each facet that stands behind the replica's: the last one that comes finds the customer complete."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if not uow.replaying:
            named = {UUID(event.key) for event in events if event.data is not None}
            work = parts.work(uow, "touches")
            await service.open_touches_of(work, parts.rules, parts.register.at(work.now)[TouchStandard], named)

    return handle
