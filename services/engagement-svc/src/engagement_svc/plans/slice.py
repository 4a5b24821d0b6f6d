"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.recovery.rebuilds import waiting_for_rebuilds
from guanxi_common.slices import Slice

from engagement_svc.parts import EngagementWorkerParts
from engagement_svc.plans import service
from engagement_svc.plans.routes import plans


def _jobs(parts: EngagementWorkerParts) -> list[Job]:
    job = parts.job("open-plan-reviews", 60.0, lambda work: service.open_review_tasks(work, parts.rules, parts.patience))
    return [waiting_for_rebuilds(job)]


PLANS: Final = Slice(routers=[plans], jobs=_jobs)
