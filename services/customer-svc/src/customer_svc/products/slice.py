"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.jobs import Job
from guanxi_common.recovery.republication import SnapshotSource
from guanxi_common.slices import Slice

from customer_svc.parts import CustomerWorkerParts
from customer_svc.products import service
from customer_svc.products.events import ProductSnapshot
from customer_svc.products.routes import products


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [parts.job("publish-products", 60.0, lambda work: service.publish_due(work, parts.patience))]


def _snapshots(_: CustomerWorkerParts) -> list[SnapshotSource]:
    return [SnapshotSource(ProductSnapshot.event_type, service.publish_anew)]


PRODUCTS: Final = Slice(routers=[products], jobs=_jobs, snapshots=_snapshots)
