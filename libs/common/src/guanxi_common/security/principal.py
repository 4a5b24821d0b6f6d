"""The caller: identity from the token, everything else from the local directory."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.errors import Forbidden, Text


class ScopeKind(StrEnum):
    """Which rows a permission reaches (C4)."""

    OWN = "own"  # customers whose primary RM or assistant the caller is now
    OUTLET = "outlet"  # customers of the caller's outlet and those below it
    ALL = "all"

    def reaches(self, other: "ScopeKind") -> bool:
        """Whether it takes in every row that `other` does."""
        order = (ScopeKind.OWN, ScopeKind.OUTLET, ScopeKind.ALL)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token proves."""

    issuer: str
    subject: str
    kind: Literal["staff", "client"]


@dataclass(frozen=True, slots=True)
class RowScope:
    """The rows one operation may touch: a mandatory argument of every repository method that reads or writes customers' data.

    `staff_id` is set for OWN; `outlet_ids` (the subtree, the caller's own outlet included) for OUTLET.
    """

    kind: ScopeKind
    staff_id: UUID | None = None
    outlet_ids: tuple[UUID, ...] = ()


SYSTEM_SCOPE = RowScope(ScopeKind.ALL)
"""For consumers and jobs, which act for the bank and not for a person."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller found in the directory."""

    identity: Identity
    staff_id: UUID
    role: str
    outlet_id: UUID | None
    outlet_ids: tuple[UUID, ...]
    grants: dict[str, ScopeKind]

    @property
    def actor(self) -> str:
        return f"{self.identity.kind}:{self.staff_id}"

    def scope(self, permission: str) -> RowScope:
        """The rows over which the caller holds `permission`; raises `Forbidden` without it."""
        kind = self.grants.get(permission)
        if kind is None:
            raise Forbidden(Text(f"The role lacks the permission {permission}.", f"该角色没有权限 {permission}。"))
        return RowScope(kind, self.staff_id, self.outlet_ids)


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
