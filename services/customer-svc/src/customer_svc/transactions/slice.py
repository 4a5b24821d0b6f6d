"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.transactions.consumers import take_in_transactions
from customer_svc.transactions.routes import batch_create_transactions, parked_postings


def _subscriptions(parts: CustomerWorkerParts) -> list[Subscription]:
    reported = {"guanxi.transaction.reported.v1": take_in_transactions(parts)}
    return [Subscription("bank.inbound.transactions", reported, dedupe="handler")]


TRANSACTIONS: Final = Slice(routers=[parked_postings], hot_routes=[batch_create_transactions], subscriptions=_subscriptions)
