"""Keep the directory, and tell the other services of every change by a snapshot.

Who may change what, and when a second person decides, is for the slices above: here an entry is checked, stored and published.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import derived_id
from guanxi_common.messaging import outbox
from guanxi_common.recovery.republication import Batch
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory import repository as replica
from guanxi_common.security.directory.responsibility import DEPUTISES
from guanxi_common.security.directory.values import Client, Outlet, Role, Staff
from guanxi_common.security.principal import AuditContext, CallerKind, Purpose
from guanxi_common.settings import SettingsError
from guanxi_common.work import Work

from customer_svc.directory import policy, repository
from customer_svc.directory.errors import AlreadyInDirectory, InvalidAbsence, UnknownReference, UnsuitableDeputy
from customer_svc.directory.events import ClientSnapshot, OutletSnapshot, RoleSnapshot, StaffSnapshot
from customer_svc.directory.policy import Change
from customer_svc.directory.schemas import OutletRegistration

_ROLES = AuditContext("system:start", "publishRoles", Purpose.OPERATIONS, None)
_FOUNDERS = AuditContext("system:start", "enterFounders", Purpose.OPERATIONS, None)

_TWO_FOUNDERS = (
    "GUANXI_FOUNDERS must name two or more token subjects whose roles can approve (head_office, the default, or compliance_officer):"
    " the directory is empty"
)


async def register_outlet(work: Work, registration: OutletRegistration) -> Outlet:
    """Add an outlet; raises `AlreadyInDirectory`, `UnknownReference`."""
    uow = work.uow
    await repository.lock_directory(uow)
    outlet_id = derived_id("outlet", registration.code)
    if await repository.read_outlet(uow, outlet_id):
        raise AlreadyInDirectory
    if registration.parent_id and not await repository.read_outlet(uow, registration.parent_id):
        raise UnknownReference
    outlet = Outlet(outlet_id, registration.parent_id, registration.code, registration.name, registration.kind, 1)
    await replica.apply_outlets(uow, [outlet])
    await outbox.append(uow, _outlet_snapshot(outlet), version=outlet.version)
    return outlet


def new_staff(
    issuer: str, subject: str, name: str, role: str, outlet_id: UUID | None = None, reports_to: UUID | None = None
) -> Staff:
    """The first version of an entry; its id follows from issuer and subject, so a subject has one entry for ever."""
    return Staff(derived_id("staff", issuer, subject), issuer, subject, name, role, outlet_id, reports_to, active=True, version=1)


def new_client(issuer: str, client_id: str, name: str, role: str, sources: Collection[str]) -> Client:
    """The first version of a client; its entry's id follows from issuer and client id."""
    entry_id = derived_id("client", issuer, client_id)
    return Client(entry_id, issuer, client_id, name, role, tuple(sorted(set(sources))), active=True, version=1)


async def check_deputy(uow: UnitOfWork, before: Staff | None, staff: Staff) -> None:
    """Raise `InvalidAbsence` unless a leave has a beginning before its end, `UnsuitableDeputy` unless a new deputy is an active RM."""
    if policy.is_invalid_leave(staff.away_from, staff.away_until):
        raise InvalidAbsence
    if staff.deputy_id is None or (before is not None and before.deputy_id == staff.deputy_id):
        return
    deputy = await repository.read_staff(uow, staff.deputy_id)
    if deputy is None or deputy.id == staff.id or not deputy.active or deputy.suspended or deputy.role != DEPUTISES:
        raise UnsuitableDeputy


async def check_staff(uow: UnitOfWork, staff: Staff) -> None:
    """Raise `UnknownReference` unless role, outlet and superior are in the directory."""
    outlet_known = staff.outlet_id is None or await repository.read_outlet(uow, staff.outlet_id)
    superior_known = staff.reports_to is None or await repository.read_staff(uow, staff.reports_to)
    if not outlet_known or not superior_known or staff.reports_to == staff.id:
        raise UnknownReference
    await _check_role(uow, staff.role, "staff")


async def _check_role(uow: UnitOfWork, name: str, holder: CallerKind) -> None:
    """Raise `UnknownReference` unless there is such a role, and callers of this kind can hold it."""
    if not any(role.role == name and role.holder == holder for role in await repository.list_roles(uow)):
        raise UnknownReference


async def check_client(uow: UnitOfWork, client: Client) -> None:
    """Raise `UnknownReference` unless the role is one for clients."""
    await _check_role(uow, client.role, "client")


async def store(uow: UnitOfWork, entry: Staff | Client, change: Change) -> None:
    """`store_staff` or `store_client`, whichever it is."""
    await (store_staff(uow, entry, change) if isinstance(entry, Staff) else store_client(uow, entry, change))


async def store_client(uow: UnitOfWork, client: Client, change: Change) -> None:
    """Store a version of a client and publish it; the caller holds the directory's lock. Raises `UnknownReference`."""
    await check_client(uow, client)
    await replica.apply_clients(uow, [client])
    await repository.insert_change(uow, client.id, change)
    await outbox.append(uow, _client_snapshot(client), version=client.version)


async def store_staff(uow: UnitOfWork, staff: Staff, change: Change) -> None:
    """Store a version of an entry and publish it; the caller holds the directory's lock. Raises `UnknownReference`."""
    await check_staff(uow, staff)
    await replica.apply_staff(uow, [staff])
    await repository.insert_change(uow, staff.id, change)
    await outbox.append(uow, _snapshot(staff), version=staff.version)


async def prepare_directory(uow: UnitOfWork, issuer: str, founders: Sequence[tuple[str, str]], now: datetime) -> None:
    """What every start of the worker sees to: roles as in `roles.yaml`, clients that a migration moved here published, and the
    founders (subject, role) in an empty directory.

    Raises `SettingsError` if the directory is empty and fewer than two founders could approve: nobody could ever enter anybody.
    """
    await publish_roles(uow)
    for client in await repository.clients_never_changed(uow):
        await store_client(uow, replace(client, version=client.version + 1), Change(None, "founded", now))
    if await repository.list_staff(uow, outlet_id=None, role=None, past=None, limit=1):
        return
    if sum(role in policy.load_roles().approving for _, role in founders) < policy.LEAST_APPROVERS:
        raise SettingsError([_TWO_FOUNDERS])
    for subject, role in founders:
        founder = new_staff(issuer, subject, subject, role)
        await store_staff(uow, founder, Change(None, "founded", now))
        await audit.record(uow, _FOUNDERS, founder.id, ("role",), subject_type="staff")


async def publish_roles(uow: UnitOfWork) -> list[Role]:
    """Store and publish the roles of `roles.yaml` that are newer than what is stored; returns these. Runs at every start."""
    await repository.lock_directory(uow)
    stored = {role.role: role.version for role in await repository.list_roles(uow)}
    newer = [role for role in policy.load_roles().roles if role.version > stored.get(role.role, 0)]
    await replica.apply_roles(uow, newer)
    for role in newer:
        await outbox.append(uow, _role_snapshot(role), version=role.version)
        await audit.record(uow, _ROLES, role.role, ("grants",), subject_type="role")
    return newer


async def publish_outlets_anew(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next outlets by id, as they stand."""
    await repository.lock_directory(uow)
    outlets = await repository.outlets_after(uow, UUID(after) if after else None, limit)
    for outlet in outlets:
        await outbox.append(uow, _outlet_snapshot(outlet), version=outlet.version)
    return Batch(len(outlets), str(outlets[-1].id) if len(outlets) == limit else None)


async def publish_staff_anew(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next staff by id, as they stand."""
    await repository.lock_directory(uow)
    staff = await repository.staff_after(uow, UUID(after) if after else None, limit)
    for one in staff:
        await outbox.append(uow, _snapshot(one), version=one.version)
    return Batch(len(staff), str(staff[-1].id) if len(staff) == limit else None)


async def publish_clients_anew(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next clients by id, as they stand."""
    await repository.lock_directory(uow)
    clients = await repository.clients_after(uow, UUID(after) if after else None, limit)
    for client in clients:
        await outbox.append(uow, _client_snapshot(client), version=client.version)
    return Batch(len(clients), str(clients[-1].id) if len(clients) == limit else None)


async def publish_roles_anew(uow: UnitOfWork, _after: str | None, _limit: int) -> Batch:
    """Publish the snapshots of all roles, as they stand; there are a dozen."""
    await repository.lock_directory(uow)
    roles = await repository.list_roles(uow)
    for role in roles:
        await outbox.append(uow, _role_snapshot(role), version=role.version)
    return Batch(len(roles), None)


def _outlet_snapshot(outlet: Outlet) -> OutletSnapshot:
    return OutletSnapshot(outlet_id=outlet.id, parent_id=outlet.parent_id, code=outlet.code, name=outlet.name, kind=outlet.kind)


def _role_snapshot(role: Role) -> RoleSnapshot:
    grants = {permission: str(scope) for permission, scope in role.grants.items()}
    return RoleSnapshot(role=role.role, grants=grants, holder=role.holder)


def _client_snapshot(client: Client) -> ClientSnapshot:
    return ClientSnapshot(
        entry_id=client.id,
        issuer=client.issuer,
        client_id=client.client_id,
        name=client.name,
        role=client.role,
        sources=list(client.sources),
        active=client.active,
    )


def _snapshot(staff: Staff) -> StaffSnapshot:
    return StaffSnapshot(
        staff_id=staff.id,
        issuer=staff.issuer,
        subject=staff.subject,
        name=staff.name,
        role=staff.role,
        outlet_id=staff.outlet_id,
        reports_to=staff.reports_to,
        active=staff.active,
        suspended=staff.suspended,
        deputy_id=staff.deputy_id,
        away_from=staff.away_from,
        away_until=staff.away_until,
    )
