"""The directory's entries as values, each with the version and the epoch of its snapshot; the owner's own stay in the first epoch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from guanxi_common.messaging.envelope import FIRST_EPOCH
from guanxi_common.security.principal import CallerKind, ScopeKind

Capacity = Literal["primary_rm", "assistant"]


@dataclass(frozen=True, slots=True)
class Outlet:
    id: UUID
    parent_id: UUID | None
    code: str
    name: str
    kind: str
    version: int
    epoch: int = FIRST_EPOCH


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff. `active` is the employment; a suspended one is employed and may not call.

    The deputy sees and works the book from `away_from` until `away_until` (both or neither), and while its keeper is suspended or has
    left, when the duties are the deputy's as well.
    """

    id: UUID
    issuer: str
    subject: str
    name: str
    role: str
    outlet_id: UUID | None
    reports_to: UUID | None
    active: bool
    version: int
    epoch: int = FIRST_EPOCH
    suspended: bool = False
    deputy_id: UUID | None = None
    away_from: datetime | None = None
    away_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A program that calls us; `sources` are the systems for which it may speak."""

    id: UUID
    issuer: str
    client_id: str
    name: str
    role: str
    sources: tuple[str, ...]
    active: bool
    version: int
    epoch: int = FIRST_EPOCH


@dataclass(frozen=True, slots=True)
class Role:
    """`holder` says whether persons or programs can have it."""

    role: str
    grants: dict[str, ScopeKind]
    version: int
    epoch: int = FIRST_EPOCH
    holder: CallerKind = "staff"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One interval [valid_from, valid_to) of a customer's book."""

    capacity: Capacity
    staff_id: UUID | None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """All intervals of one customer: past, present and to come."""

    customer_id: UUID
    assignments: tuple[Assignment, ...]
    version: int
    epoch: int = FIRST_EPOCH
