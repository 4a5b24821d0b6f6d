"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.jobs import Job
from guanxi_common.recovery.republication import Batch, SnapshotSource
from guanxi_common.slices import Slice

from customer_svc.customers import service
from customer_svc.customers.changes import publish_anew, publish_facet_anew, publish_failed
from customer_svc.customers.routes import customers, read_customer
from customer_svc.facets.policy import Facet
from customer_svc.facets.service import EVENTS
from customer_svc.parts import CustomerWorkerParts
from customer_svc.snapshots.events import CustomerSnapshot


def _jobs(parts: CustomerWorkerParts) -> list[Job]:
    return [
        parts.job("index-names", 60.0, lambda work: service.index_names(work, parts.patience)),
        parts.job("publish-failed-snapshots", 30.0, lambda work: publish_failed(work, parts.keys, parts.patience)),
    ]


def _snapshots(parts: CustomerWorkerParts) -> list[SnapshotSource]:
    async def publish(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
        return await publish_anew(parts.work(uow, "publish-snapshots"), parts.keys, after, limit)

    def of_facet(facet: Facet) -> SnapshotSource:
        async def publish(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
            return await publish_facet_anew(parts.work(uow, "publish-snapshots"), parts.keys, facet, after, limit)

        return SnapshotSource(EVENTS[facet].event_type, publish)

    return [*(of_facet(facet) for facet in Facet), SnapshotSource(CustomerSnapshot.event_type, publish)]


CUSTOMERS: Final = Slice(routers=[customers], hot_routes=[read_customer], jobs=_jobs, snapshots=_snapshots)
