"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.messaging.runner import Subscription
from guanxi_common.security.directory.consumers import CUSTOMER_SNAPSHOT
from guanxi_common.slices import Slice

from engagement_svc.customers.consumers import replicate_customers
from engagement_svc.parts import EngagementWorkerParts


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    return [Subscription("customer.snapshots", {CUSTOMER_SNAPSHOT: replicate_customers(parts.keys, parts.clock)})]


CUSTOMERS: Final = Slice(subscriptions=_subscriptions)
