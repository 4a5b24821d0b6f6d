"""How a service keeps its replica: handlers for `directory.snapshots` and for the book in `customer.books`.

A deployment trusts one issuer, so staff and clients are kept under the issuer that the service itself is configured with.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope, Version, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.security.directory import repository
from guanxi_common.security.directory.values import Assignment, Book, Capacity, Client, Outlet, Role, Staff
from guanxi_common.security.principal import CallerKind, ScopeKind

Handler = Callable[[UnitOfWork, Sequence[Envelope]], Awaitable[None]]

CUSTOMER_BOOK = "guanxi.customer_book.snapshot.v1"

DIRECTORY_KEYS: Final = {
    "directory_outlet": "'outlet:' || kept.id",
    "directory_staff": "'staff:' || kept.id",
    "directory_client": "'client:' || kept.id",
    "directory_role": "'role:' || kept.role",
}
"""The key in `directory.snapshots` of each table's rows, for a rebuild (`recovery.rebuilds.Replica`)."""
BOOK_KEYS: Final = {"book_assignment": "kept.customer_id::text"}
"""The same of the book in `customer.books`."""


class _OutletData(BaseModel):
    outlet_id: UUID
    parent_id: UUID | None = None
    code: str
    name: str
    kind: str


class _StaffData(BaseModel):
    staff_id: UUID
    subject: str
    name: str
    role: str
    outlet_id: UUID | None = None
    reports_to: UUID | None = None
    active: bool
    suspended: bool = False
    deputy_id: UUID | None = None
    away_from: datetime | None = None
    away_until: datetime | None = None


class _ClientData(BaseModel):
    entry_id: UUID
    client_id: str
    name: str
    role: str
    sources: list[str]
    active: bool


class _RoleData(BaseModel):
    role: str
    grants: dict[str, ScopeKind]
    holder: CallerKind = "staff"


class _AssignmentData(BaseModel):
    capacity: Capacity
    staff_id: UUID | None = None
    outlet_id: UUID
    valid_from: datetime
    valid_to: datetime | None = None


class _BookData(BaseModel):
    customer_id: UUID
    assignments: list[_AssignmentData]


_Data = TypeVar("_Data", bound=BaseModel)


def _read(events: Sequence[Envelope], model: type[_Data]) -> Iterator[tuple[_Data, Version]]:
    """The events' data with their versions; tombstones are left out. Raises `PermanentError`, without the offending value."""
    for event in events:
        if event.data is None:
            continue
        try:
            data = model.model_validate(event.data)
        except ValidationError as error:
            raise PermanentError("invalid_snapshot", event.type, event_id=event.id) from error
        yield data, event.version


def _erased(events: Sequence[Envelope]) -> list[str]:
    """The ids in the keys of tombstones: `<id>` or `<kind>:<id>`."""
    return [event.key.rpartition(":")[2] for event in events if event.data is None]


async def apply_outlets(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    events = newest_of_each_key(events)
    await repository.apply_outlets(
        uow,
        [
            Outlet(data.outlet_id, data.parent_id, data.code, data.name, data.kind, version.number, version.epoch)
            for data, version in _read(events, _OutletData)
        ],
    )
    await repository.remove_outlets(uow, [UUID(key) for key in _erased(events)])


async def apply_roles(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    events = newest_of_each_key(events)
    roles = [
        Role(data.role, data.grants, version.number, version.epoch, data.holder) for data, version in _read(events, _RoleData)
    ]
    await repository.apply_roles(uow, roles)
    await repository.remove_roles(uow, _erased(events))


async def apply_books(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Apply the assignments of customers; a tombstone removes them."""
    events = newest_of_each_key(events)
    books = [
        Book(
            data.customer_id, tuple(Assignment(**dict(interval)) for interval in data.assignments), version.number, version.epoch
        )
        for data, version in _read(events, _BookData)
    ]
    await repository.apply_books(uow, books)
    await repository.remove_books(uow, [UUID(key) for key in _erased(events)])


def directory_handlers(issuer: str) -> Mapping[str, Handler]:
    """The handlers of `directory.snapshots` by event type."""

    async def apply_staff(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        events = newest_of_each_key(events)
        staff = [_staff(issuer, data, version) for data, version in _read(events, _StaffData)]
        await repository.apply_staff(uow, staff)
        await repository.remove_staff(uow, [UUID(key) for key in _erased(events)])

    async def apply_clients(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        events = newest_of_each_key(events)
        clients = [
            Client(d.entry_id, issuer, d.client_id, d.name, d.role, tuple(d.sources), d.active, version.number, version.epoch)
            for d, version in _read(events, _ClientData)
        ]
        await repository.apply_clients(uow, clients)
        await repository.remove_clients(uow, [UUID(key) for key in _erased(events)])

    return {
        "guanxi.outlet.snapshot.v1": apply_outlets,
        "guanxi.staff.snapshot.v1": apply_staff,
        "guanxi.client.snapshot.v1": apply_clients,
        "guanxi.role.snapshot.v1": apply_roles,
    }


def _staff(issuer: str, data: _StaffData, version: Version) -> Staff:
    facts = data.model_dump(exclude={"staff_id"})
    return Staff(id=data.staff_id, issuer=issuer, **facts, version=version.number, epoch=version.epoch)
