"""The directory as the other services replicate it: full state, compacted."""

from datetime import datetime
from uuid import UUID

from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.security.principal import CallerKind


class OutletSnapshot(DomainEvent, type="guanxi.outlet.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    outlet_id: UUID
    parent_id: UUID | None
    code: str
    name: str
    kind: str

    @property
    def key(self) -> str:
        return f"outlet:{self.outlet_id}"


class StaffSnapshot(DomainEvent, type="guanxi.staff.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    """Issuer and subject are the identity that tokens carry; staff names are the bank's, not a customer's, and travel plain.

    See `guanxi_common.security.directory.values.Staff`.
    """

    staff_id: UUID
    issuer: str
    subject: str
    name: str
    role: str
    outlet_id: UUID | None
    reports_to: UUID | None
    active: bool
    suspended: bool = False
    deputy_id: UUID | None = None
    away_from: datetime | None = None
    away_until: datetime | None = None

    @property
    def key(self) -> str:
        return f"staff:{self.staff_id}"


class ClientSnapshot(DomainEvent, type="guanxi.client.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    """Issuer and client id are the identity that its tokens carry."""

    entry_id: UUID
    issuer: str
    client_id: str
    name: str
    role: str
    sources: list[str]
    active: bool

    @property
    def key(self) -> str:
        return f"client:{self.entry_id}"


class RoleSnapshot(DomainEvent, type="guanxi.role.snapshot.v1", topic="directory.snapshots", key="entity_key"):
    """`grants` maps each permission to own, outlet or all."""

    role: str
    grants: dict[str, str]
    holder: CallerKind

    @property
    def key(self) -> str:
        return f"role:{self.role}"
