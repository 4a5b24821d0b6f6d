"""What the slice offers to the processes."""

from collections.abc import Sequence
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.replay import erase_told
from guanxi_common.facets import facet_handler
from guanxi_common.messaging.runner import Subscription
from guanxi_common.security.directory.consumers import CUSTOMER_BOOK, apply_books
from guanxi_common.slices import Slice

from engagement_svc.customers.consumers import AGREEMENTS, FILES, keep_agreements, keep_files
from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.personal_data import PERSONAL_DATA


def _subscriptions(parts: EngagementWorkerParts) -> list[Subscription]:
    async def end(uow: UnitOfWork, ended: Sequence[str]) -> None:
        await erase_told(uow, PERSONAL_DATA, ended, parts.clock)

    return [
        Subscription(FILES.topic, {FILES.type: facet_handler(keep_files(parts.keys), end)}),
        Subscription(AGREEMENTS.topic, {AGREEMENTS.type: facet_handler(keep_agreements(), end)}),
        Subscription("customer.books", {CUSTOMER_BOOK: facet_handler(apply_books, end)}),
    ]


CUSTOMERS: Final = Slice(subscriptions=_subscriptions)
