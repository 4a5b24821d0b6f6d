"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from customer_svc.digests.consumers import DIGEST_COMPARED, keep_comparisons
from customer_svc.parts import CustomerWorkerParts


def _subscriptions(_: CustomerWorkerParts) -> list[Subscription]:
    return [Subscription("scoring.digests", {DIGEST_COMPARED: keep_comparisons})]


DIGESTS: Final = Slice(subscriptions=_subscriptions)
