"""The caller: identity from the token, everything else from the local directory."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.errors import Forbidden, Text


class PersonRequired(Forbidden):
    """A client's token where a person acts."""

    code, title = "person_required", Text("Only a person may do this", "该操作须由人员执行")


class SourceNotYours(Forbidden):
    """A client speaks for a source that is not its own."""

    code, title = "source_not_yours", Text("This source is not yours", "该来源不属于此客户端")


class ScopeKind(StrEnum):
    """Which rows a permission reaches (C4)."""

    OWN = "own"  # customers whose primary RM or assistant the caller is now, or stands in for
    OUTLET = "outlet"  # customers of the caller's outlet and those below it
    ALL = "all"

    def reaches(self, other: "ScopeKind") -> bool:
        """Whether it takes in every row that `other` does."""
        order = (ScopeKind.OWN, ScopeKind.OUTLET, ScopeKind.ALL)
        return order.index(self) >= order.index(other)


CallerKind = Literal["staff", "client"]
"""A person, or a program that acts for itself."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token proves; `subject` is a client's `client_id`."""

    issuer: str
    subject: str
    kind: CallerKind


@dataclass(frozen=True, slots=True)
class StandIn:
    """For whom somebody is the deputy, and from when until when: None is without limit."""

    staff_id: UUID
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Opened:
    """A customer beyond the caller's rows, opened to the caller until then (break-glass)."""

    customer_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class RowScope:
    """The rows one operation may touch: a mandatory argument of every repository method that reads or writes customers' data.

    `staff_id` is set for OWN; `outlet_ids` (the subtree, the caller's own outlet included) for OUTLET. `sources` are those for which
    a client may speak; None for everybody else, whom no source binds. `stands_in` makes the books of others the caller's own for a time,
    and `opened` lets the caller read single customers beyond these rows.
    """

    kind: ScopeKind
    staff_id: UUID | None = None
    outlet_ids: tuple[UUID, ...] = ()
    sources: frozenset[str] | None = None
    stands_in: tuple[StandIn, ...] = ()
    opened: tuple[Opened, ...] = ()

    def opened_at(self, now: datetime) -> list[UUID]:
        """The customers that are opened to the caller now."""
        return [grant.customer_id for grant in self.opened if now < grant.until]

    def keepers(self, now: datetime) -> list[UUID]:
        """Whose books are own books now: the caller's, and of those for whom the caller stands in; of nobody for a client."""
        mine = [self.staff_id] if self.staff_id is not None else []
        return mine + [absent.staff_id for absent in self.stands_in if absent.holds(now)]

    def speaks_for(self, source: str) -> bool:
        """Whether the caller may report what `source` knows."""
        return self.sources is None or source in self.sources


SYSTEM_SCOPE = RowScope(ScopeKind.ALL)
"""For consumers and jobs, which act for the bank and not for a person."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller found in the directory. `sources` is None for a person; a client has no outlet."""

    identity: Identity
    id: UUID
    role: str
    outlet_id: UUID | None
    outlet_ids: tuple[UUID, ...]
    grants: dict[str, ScopeKind]
    sources: frozenset[str] | None = None
    stands_in: tuple[StandIn, ...] = ()
    opened: tuple[Opened, ...] = ()

    @property
    def actor(self) -> str:
        return f"{self.identity.kind}:{self.id}"

    @property
    def staff_id(self) -> UUID:
        """The member of staff who calls. Raises `PersonRequired` for a client: it never acts as a person."""
        if self.identity.kind != "staff":
            raise PersonRequired
        return self.id

    def scope(self, permission: str) -> RowScope:
        """The rows over which the caller holds `permission`; raises `Forbidden` without it. What was opened is for reading alone."""
        kind = self.grants.get(permission)
        if kind is None:
            raise Forbidden(Text(f"The role lacks the permission {permission}.", f"该角色没有权限 {permission}。"))
        staff_id = self.id if self.identity.kind == "staff" else None
        return RowScope(
            kind,
            staff_id,
            self.outlet_ids,
            self.sources,
            stands_in=self.stands_in if kind is ScopeKind.OWN else (),
            opened=self.opened if permission.endswith(".read") else (),
        )


class Purpose(StrEnum):
    """Why personal data are accessed, as the caller declares it in `Access-Purpose`; kept with every audited access."""

    CUSTOMER_SERVICE = "customer_service"
    SALES = "sales"
    RISK_CONTROL = "risk_control"
    COMPLIANCE = "compliance"
    COMPLAINT = "complaint"
    OPERATIONS = "operations"
    SUBJECT_REQUEST = "subject_request"


@dataclass(frozen=True, slots=True)
class AuditContext:
    """What the audit log keeps of an access besides its rows and fields: who, through which operation, why, in which request."""

    actor: str
    operation: str
    purpose: Purpose
    request_id: str | None
