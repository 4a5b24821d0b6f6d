"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.messaging.runner import Subscription
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice

from engagement_svc.customers.consumers import FACETS
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.touches import service
from engagement_svc.touches.consumers import touches_follow_customers
from engagement_svc.touches.policy import load_touch_standard


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    handle = touches_follow_customers(parts, load_touch_standard())
    return [Subscription(topic, {type_: handle}) for topic, type_ in FACETS.items()]


def _jobs(parts: EngagementWorkerParts) -> list[Job]:
    standard = load_touch_standard()
    return [waiting_for_rebuilds(parts.job("open-touches", 60.0, lambda work: service.open_touches(work, parts.rules, standard)))]


TOUCHES: Final = Slice(subscriptions=_subscriptions, jobs=_jobs)
