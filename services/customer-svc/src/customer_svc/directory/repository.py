"""Reading the directory as its master, and who changed it. Entries are written by `guanxi_common.security.directory.repository`."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.tables import DirectoryClient, DirectoryOutlet, DirectoryRole, DirectoryStaff
from guanxi_common.security.directory.values import Client, Outlet, Role, Staff
from guanxi_common.security.principal import ScopeKind
from sqlalchemy import Select, and_, exists, func, insert, or_, select, text

from customer_svc.directory.policy import APPROVE, Change
from customer_svc.directory.tables import DirectoryChangeRow

_outlet = table_of(DirectoryOutlet)
_staff = table_of(DirectoryStaff)
_client = table_of(DirectoryClient)
_role = table_of(DirectoryRole)
_change = table_of(DirectoryChangeRow)


def _outlet_of(row: Mapping[Any, Any]) -> Outlet:
    return Outlet(row["id"], row["parent_id"], row["code"], row["name"], row["kind"], row["version"])


def _staff_of(row: Mapping[Any, Any]) -> Staff:
    return read_as(Staff, row)


async def lock_directory(uow: UnitOfWork) -> None:
    """Make changes to the directory follow one another: they are rare, and its checks span rows."""
    await uow.execute(text("SELECT pg_advisory_xact_lock(hashtext('guanxi.directory'))"))


async def read_outlet(uow: UnitOfWork, outlet_id: UUID) -> Outlet | None:
    row = (await uow.execute(select(_outlet).where(_outlet.c.id == outlet_id))).mappings().first()
    return _outlet_of(row) if row else None


async def list_outlets(uow: UnitOfWork, *, past: tuple[str, UUID] | None, limit: int) -> list[Outlet]:
    """Outlets by (code, id)."""
    order = (_outlet.c.code, _outlet.c.id)
    statement = select(_outlet).where(after(order, past)).order_by(*order).limit(limit)
    return [_outlet_of(row) for row in (await uow.execute(statement)).mappings()]


async def outlets_after(uow: UnitOfWork, after_id: UUID | None, limit: int) -> list[Outlet]:
    """Outlets by id."""
    statement = (
        select(_outlet).where(after((_outlet.c.id,), (after_id,) if after_id else None)).order_by(_outlet.c.id).limit(limit)
    )
    return [_outlet_of(row) for row in (await uow.execute(statement)).mappings()]


async def staff_after(uow: UnitOfWork, after_id: UUID | None, limit: int) -> list[Staff]:
    """Staff by id."""
    statement = select(_staff).where(after((_staff.c.id,), (after_id,) if after_id else None)).order_by(_staff.c.id).limit(limit)
    return [_staff_of(row) for row in (await uow.execute(statement)).mappings()]


async def read_staff(uow: UnitOfWork, staff_id: UUID) -> Staff | None:
    row = (await uow.execute(select(_staff).where(_staff.c.id == staff_id))).mappings().first()
    return _staff_of(row) if row else None


async def lock_staff(uow: UnitOfWork, staff_id: UUID) -> Staff | None:
    """An entry that is going to change: whoever holds it fast (`hold_staff`) has ended before, and waits for this transaction after."""
    row = (await uow.execute(select(_staff).where(_staff.c.id == staff_id).with_for_update())).mappings().first()
    return _staff_of(row) if row else None


async def hold_staff(uow: UnitOfWork, staff_ids: Collection[UUID]) -> dict[UUID, Staff]:
    """The entries, which nobody changes until the transaction ends: for whoever is about to give them customers."""
    statement = select(_staff).where(_staff.c.id.in_(staff_ids)).order_by(_staff.c.id).with_for_update(read=True)
    return {row["id"]: _staff_of(row) for row in (await uow.execute(statement)).mappings()}


async def list_staff(
    uow: UnitOfWork, *, outlet_id: UUID | None, role: str | None, past: tuple[str, UUID] | None, limit: int
) -> list[Staff]:
    """Staff by (subject, id)."""
    order = (_staff.c.subject, _staff.c.id)
    statement = select(_staff).where(after(order, past)).order_by(*order).limit(limit)
    if outlet_id is not None:
        statement = statement.where(_staff.c.outlet_id == outlet_id)
    if role is not None:
        statement = statement.where(_staff.c.role == role)
    return [_staff_of(row) for row in (await uow.execute(statement)).mappings()]


def _client_of(row: Mapping[Any, Any]) -> Client:
    client = read_as(Client, row)
    return replace(client, sources=tuple(client.sources))


async def read_client(uow: UnitOfWork, entry_id: UUID) -> Client | None:
    row = (await uow.execute(select(_client).where(_client.c.id == entry_id))).mappings().first()
    return _client_of(row) if row else None


async def list_clients(uow: UnitOfWork, *, past: tuple[str, UUID] | None, limit: int) -> list[Client]:
    """Clients by (client id, id)."""
    order = (_client.c.client_id, _client.c.id)
    statement = select(_client).where(after(order, past)).order_by(*order).limit(limit)
    return [_client_of(row) for row in (await uow.execute(statement)).mappings()]


async def clients_after(uow: UnitOfWork, after_id: UUID | None, limit: int) -> list[Client]:
    """Clients by id."""
    past = after((_client.c.id,), (after_id,) if after_id else None)
    return [
        _client_of(row) for row in (await uow.execute(select(_client).where(past).order_by(_client.c.id).limit(limit))).mappings()
    ]


async def clients_never_changed(uow: UnitOfWork) -> list[Client]:
    """Clients of which no change is known: those that a migration moved here from among staff."""
    known = exists().where(_change.c.entry_id == _client.c.id)
    return [_client_of(row) for row in (await uow.execute(select(_client).where(~known))).mappings()]


async def list_roles(uow: UnitOfWork) -> list[Role]:
    """All roles by name; there are a dozen."""
    rows = (await uow.execute(select(_role).order_by(_role.c.role))).mappings()
    return [
        Role(row["role"], {p: ScopeKind(s) for p, s in row["grants"].items()}, row["version"], holder=row["holder"])
        for row in rows
    ]


async def insert_change(uow: UnitOfWork, entry_id: UUID, change: Change) -> None:
    """Keep who made a change of an entry."""
    values = {"author_id": change.author_id, "how": change.how, "reason": change.reason, "changed_at": change.changed_at}
    await uow.execute(insert(_change).values(entry_id=entry_id, **values))


async def changed_each_other(uow: UnitOfWork, one: UUID, other: UUID, since: datetime) -> bool:
    """Whether one of the two entered or changed the other after `since`."""
    by_one = and_(_change.c.author_id == one, _change.c.entry_id == other)
    by_other = and_(_change.c.author_id == other, _change.c.entry_id == one)
    found = await uow.execute(select(exists().where(_change.c.changed_at > since, or_(by_one, by_other))))
    return bool(found.scalar_one())


async def holds(uow: UnitOfWork, staff_id: UUID, permission: str) -> bool:
    """Whether somebody is active and has a role with `permission` now, whatever a token or a cache says."""
    statement = _holders(permission).where(_staff.c.id == staff_id)
    return (await uow.execute(statement)).first() is not None


async def count_approvers(uow: UnitOfWork) -> int:
    """How many active members of staff can decide about what others propose."""
    return int((await uow.execute(select(func.count()).select_from(_holders(APPROVE).subquery()))).scalar_one())


async def count_changes(uow: UnitOfWork, how: str, since: datetime) -> int:
    """How many changes were made in this way after `since`."""
    statement = select(func.count()).where(_change.c.how == how, _change.c.changed_at > since)
    return int((await uow.execute(statement)).scalar_one())


def _holders(permission: str) -> Select[Any]:
    granted = _role.c.grants.has_key(permission)
    return select(_staff.c.id).join(_role, _role.c.role == _staff.c.role).where(_staff.c.active, ~_staff.c.suspended, granted)
