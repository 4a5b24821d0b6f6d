"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.recovery.republication import SnapshotSource
from guanxi_common.slices import Slice
from guanxi_common.standards.refreshing import refresh_job

from customer_svc.parts import CustomerWorkerParts
from customer_svc.standards import service
from customer_svc.standards.events import StandardSnapshot
from customer_svc.standards.routes import standards


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [refresh_job(parts.register, parts.clock)]


def _snapshots(_: CustomerWorkerParts) -> list[SnapshotSource]:
    return [SnapshotSource(StandardSnapshot.event_type, service.publish_anew)]


STANDARDS: Final = Slice(routers=[standards], jobs=_jobs, snapshots=_snapshots)
