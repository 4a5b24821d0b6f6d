"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import waking
from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from scoring_svc.ledger.consumers import POSTED, REVERSED, fold_transactions
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.parts import ScoringWorkerParts


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    fold = waking(fold_transactions(parts.method[ActivityClasses], parts.calendar, parts.clock), parts.scorer)
    return [Subscription("bank.transactions", {POSTED: fold, REVERSED: fold}, dedupe="handler", parsed_by="handler")]


LEDGER: Final = Slice(subscriptions=_subscriptions)
