"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.messaging.runner import Subscription
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from engagement_svc.customers.consumers import FACETS
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.touches import service
from engagement_svc.touches.consumers import touches_follow_customers
from engagement_svc.touches.policy import TouchStandard


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    handle = touches_follow_customers(parts)
    return [Subscription(topic, {type_: handle}) for topic, type_ in FACETS.items()]


def _jobs(parts: EngagementWorkerParts) -> list[Job]:
    async def open_touches(work: Work) -> int:
        return await service.open_touches(work, parts.rules, parts.register.at(work.now)[TouchStandard])

    return [waiting_for_rebuilds(parts.job("open-touches", 60.0, open_touches))]


TOUCHES: Final = Slice(subscriptions=_subscriptions, jobs=_jobs)
