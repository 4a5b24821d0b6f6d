"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job, waking
from guanxi_common.messaging.runner import Subscription
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from scoring_svc.actions import planner
from scoring_svc.actions.consumers import ACTION_ACCEPTED, ACTION_CONCLUDED, ACTION_DECLINED, ACTION_REOPENED, take_up_answers
from scoring_svc.actions.routes import actions
from scoring_svc.parts import ScoringWorkerParts


def _subscriptions(parts: ScoringWorkerParts) -> list[Subscription]:
    answers = waking(take_up_answers(parts.clock), parts.planning)
    told = (ACTION_ACCEPTED, ACTION_DECLINED, ACTION_CONCLUDED, ACTION_REOPENED)
    return [Subscription("engagement.activities", dict.fromkeys(told, answers))]


def _jobs(parts: ScoringWorkerParts) -> list[Job]:
    async def plan_due(work: Work) -> int:
        return await planner.plan_due_customers(work.uow, parts.method, work.now, parts.patience)

    async def queue_the_day(work: Work) -> int:
        return await planner.queue_the_day(work.uow, parts.method, work.now)

    return [
        waiting_for_rebuilds(parts.job("plan-due-customers", 0.5, plan_due, parts.planning)),
        parts.job("queue-the-day", 60.0, queue_the_day),
    ]


ACTIONS: Final = Slice(routers=[actions], subscriptions=_subscriptions, jobs=_jobs)
