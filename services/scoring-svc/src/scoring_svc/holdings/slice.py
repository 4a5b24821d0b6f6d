"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import waking
from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from scoring_svc.holdings.consumers import TYPES, take_up_accounts
from scoring_svc.parts import ScoringWorkerParts


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    return [Subscription("bank.accounts", dict.fromkeys(TYPES, waking(take_up_accounts(parts.clock), parts.planning)))]


HOLDINGS: Final = Slice(subscriptions=_subscriptions)
