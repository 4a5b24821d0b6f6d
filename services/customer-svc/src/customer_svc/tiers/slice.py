"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.slices import Slice
from guanxi_common.work import Work

from customer_svc.parts import CustomerWorkerParts
from customer_svc.tiers.policy import TierStandard
from customer_svc.tiers.routes import tiers
from customer_svc.tiers.service import review_due


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    async def review_tiers(work: Work) -> int:
        return await review_due(work, parts.standards[TierStandard], parts.patience)

    return [parts.job("review-tiers", 1.0, review_tiers)]


TIERS: Final = Slice(routers=[tiers], jobs=_jobs)
