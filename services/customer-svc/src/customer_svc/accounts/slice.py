"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from customer_svc.accounts.consumers import take_in_accounts
from customer_svc.accounts.routes import accounts, batch_create_accounts
from customer_svc.parts import CustomerWorkerParts


def _subscriptions(parts: CustomerWorkerParts) -> list[Subscription]:
    return [Subscription("bank.inbound.accounts", {"guanxi.account.reported.v1": take_in_accounts(parts)})]


ACCOUNTS: Final = Slice(routers=[accounts], hot_routes=[batch_create_accounts], subscriptions=_subscriptions)
