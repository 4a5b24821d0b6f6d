"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.proposals.jobs import watch_directory
from customer_svc.proposals.routes import proposals


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [parts.job("watch-directory", 30.0, watch_directory)]


PROPOSALS: Final = Slice(routers=[proposals], jobs=_jobs)
