"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import waking
from guanxi_common.messaging.runner import Subscription
from guanxi_common.security.directory.consumers import CUSTOMER_SNAPSHOT
from guanxi_common.slices import Slice

from scoring_svc.customers.consumers import replicate_customers
from scoring_svc.parts import ScoringWorkerParts


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    replicate = waking(replicate_customers(parts.keys, parts.calendar, parts.clock), parts.planning)
    return [Subscription("customer.snapshots", {CUSTOMER_SNAPSHOT: replicate})]


CUSTOMERS: Final = Slice(subscriptions=_subscriptions)
