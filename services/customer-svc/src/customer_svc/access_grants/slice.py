"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.slices import Slice

from customer_svc.access_grants.routes import access_grants
from customer_svc.access_grants.service import watch_reviews
from customer_svc.parts import CustomerWorkerParts


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [parts.job("watch-access-reviews", 60.0, watch_reviews)]


ACCESS_GRANTS: Final = Slice(routers=[access_grants], jobs=_jobs)
