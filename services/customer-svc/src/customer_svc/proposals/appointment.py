"""The way back on the host (D19): with fewer than two approvers nobody could decide about anybody over HTTP."""

from dataclasses import replace
from datetime import datetime

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.values import Staff
from guanxi_common.security.principal import AuditContext

from customer_svc.directory import repository as directory
from customer_svc.directory import service as entries
from customer_svc.directory.errors import UnknownReference
from customer_svc.directory.policy import APPROVE, LEAST_APPROVERS, Change
from customer_svc.proposals.errors import EnoughApprovers


async def appoint(
    uow: UnitOfWork, host: AuditContext, new: Staff, reason: str, now: datetime, *, replaces: str | None = None
) -> Staff:
    """Give `new`, a member of staff or a new one, an approver's role. `replaces`: the subject of an approver who cannot act any more
    and is deactivated in the same transaction.

    Raises `EnoughApprovers` while two could decide without `replaces`, `UnknownReference` for a role that does not approve.
    """
    await directory.lock_directory(uow)
    change = Change(None, "appointed", now, reason)
    if replaces is not None:
        await _deactivate(uow, host, entries.new_staff(new.issuer, replaces, replaces, new.role), change)
    if await directory.count_approvers(uow) >= LEAST_APPROVERS:
        raise EnoughApprovers
    before = await directory.read_staff(uow, new.id)
    appointed = (
        new if before is None else replace(before, role=new.role, active=True, suspended=False, version=before.version + 1)
    )
    await entries.store_staff(uow, appointed, change)
    if not await directory.holds(uow, appointed.id, APPROVE):
        raise UnknownReference
    await audit.record(uow, host, appointed.id, ("role", "active"), subject_type="staff")
    return appointed


async def _deactivate(uow: UnitOfWork, host: AuditContext, named: Staff, change: Change) -> None:
    """Raises `UnknownReference` unless the entry is that of an approver."""
    before = await directory.read_staff(uow, named.id)
    if before is None or not await directory.holds(uow, before.id, APPROVE):
        raise UnknownReference
    await entries.store_staff(uow, replace(before, active=False, version=before.version + 1), change)
    await audit.record(uow, host, before.id, ("active",), subject_type="staff")
