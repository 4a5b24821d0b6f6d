"""What the slice offers to the processes."""

from collections.abc import Sequence
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.replay import erase_told
from guanxi_common.facets import FacetReplica, facet_handler
from guanxi_common.jobs import waking
from guanxi_common.messaging.runner import Handler, Subscription
from guanxi_common.security.directory.consumers import CUSTOMER_BOOK, apply_books
from guanxi_common.slices import Slice

from scoring_svc.customers.consumers import (
    AGREEMENTS,
    CLASSIFICATIONS,
    FILES,
    keep_agreements,
    keep_classifications,
    keep_files,
    plan_again,
)
from scoring_svc.parts import ScoringWorkerParts
from scoring_svc.personal_data import PERSONAL_DATA


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    """File and agreements decide what is to be done for a customer; tier and book decide nothing."""

    async def end(uow: UnitOfWork, ended: Sequence[str]) -> None:
        await erase_told(uow, PERSONAL_DATA, ended, parts.clock)

    def planned(replica: FacetReplica, keep: Handler) -> Subscription:
        handle = facet_handler(keep, end, plan_again(parts.clock))
        return Subscription(replica.topic, {replica.type: waking(handle, parts.planning)})

    return [
        planned(FILES, keep_files(parts.keys, parts.calendar, parts.clock)),
        planned(AGREEMENTS, keep_agreements()),
        Subscription(CLASSIFICATIONS.topic, {CLASSIFICATIONS.type: facet_handler(keep_classifications(), end)}),
        Subscription("customer.books", {CUSTOMER_BOOK: facet_handler(apply_books, end)}),
    ]


CUSTOMERS: Final = Slice(subscriptions=_subscriptions)
