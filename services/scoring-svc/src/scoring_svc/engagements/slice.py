"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import waking
from guanxi_common.messaging.runner import Subscription
from guanxi_common.slices import Slice

from scoring_svc.engagements.consumers import (
    COMPLAINT_OPENED,
    COMPLAINT_RESOLVED,
    INTERACTION_CORRECTED,
    INTERACTION_RECORDED,
    PLAN_REVIEWED,
    SURVEY_ANSWERED,
    take_up_contacts,
    take_up_facts,
)
from scoring_svc.parts import ScoringWorkerParts


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    contacts = waking(take_up_contacts(parts.methods, parts.clock), parts.scorer)
    facts = waking(take_up_facts(parts.clock), parts.scorer)
    of_facts = dict.fromkeys((COMPLAINT_OPENED, COMPLAINT_RESOLVED, SURVEY_ANSWERED), facts)
    return [
        Subscription(
            "engagement.activities", {**dict.fromkeys((INTERACTION_RECORDED, INTERACTION_CORRECTED), contacts), **of_facts}
        ),
        Subscription("engagement.plans", {PLAN_REVIEWED: contacts}),
    ]


ENGAGEMENTS: Final = Slice(subscriptions=_subscriptions)
