"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.products.consumers import PRODUCT_SNAPSHOT, replicate_products


def _subscriptions(_: ScoringWorkerParts) -> list[Subscription]:
    return [Subscription("directory.snapshots", {PRODUCT_SNAPSHOT: replicate_products})]


PRODUCTS: Final = Slice(subscriptions=_subscriptions)
