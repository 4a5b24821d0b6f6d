"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from engagement_svc.actions import service
from engagement_svc.actions.consumers import ACTION_RECOMMENDED, ACTION_WITHDRAWN, follow_withdrawals, take_up_actions
from engagement_svc.actions.routes import actions
from engagement_svc.customers.consumers import AGREEMENTS
from engagement_svc.parts import EngagementWorkerParts


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    return [
        Subscription(AGREEMENTS.topic, {AGREEMENTS.type: follow_withdrawals(parts)}),
        Subscription("scoring.actions", dict.fromkeys((ACTION_RECOMMENDED, ACTION_WITHDRAWN), take_up_actions(parts))),
    ]


def _jobs(parts: EngagementWorkerParts) -> list[Job]:
    return [
        parts.job("expire-offers", 60.0, lambda work: service.expire_actions(work, parts.rules, parts.patience)),
        parts.job("expire-reservations", 60.0, lambda work: service.expire_reservations(work, parts.patience)),
    ]


ACTIONS: Final = Slice(routers=[actions], subscriptions=_subscriptions, jobs=_jobs)
