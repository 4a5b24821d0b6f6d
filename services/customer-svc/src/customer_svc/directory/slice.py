"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.recovery.republication import SnapshotSource
from guanxi_common.slices import Slice

from customer_svc.directory import service
from customer_svc.directory.events import ClientSnapshot, OutletSnapshot, RoleSnapshot, StaffSnapshot
from customer_svc.directory.routes import directory
from customer_svc.parts import CustomerWorkerParts


def _snapshots(_: CustomerWorkerParts) -> list[SnapshotSource]:
    return [
        SnapshotSource(RoleSnapshot.event_type, service.publish_roles_anew),
        SnapshotSource(OutletSnapshot.event_type, service.publish_outlets_anew),
        SnapshotSource(StaffSnapshot.event_type, service.publish_staff_anew),
        SnapshotSource(ClientSnapshot.event_type, service.publish_clients_anew),
    ]


DIRECTORY: Final = Slice(routers=[directory], snapshots=_snapshots)
