"""Enter and change members of staff: at once, or as a proposal where a power role is given or taken."""

from dataclasses import replace
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Write
from guanxi_common.security.directory.values import Staff

from customer_svc.directory import repository
from customer_svc.directory import service as directory
from customer_svc.directory.errors import AlreadyInDirectory
from customer_svc.directory.policy import Change, load_roles
from customer_svc.proposals import policy
from customer_svc.proposals import service as proposals
from customer_svc.proposals.policy import Proposal
from customer_svc.staff.schemas import StaffChange, StaffRegistration


async def register_staff(write: Write, issuer: str, registration: StaffRegistration) -> Staff | Proposal:
    """Add a person; raises `AlreadyInDirectory`, `UnknownReference`, `ReasonRequired`, `Forbidden`."""
    await repository.lock_directory(write.uow)
    facts = registration.model_dump(exclude={"reason"})
    staff = directory.new_staff(issuer, **facts)
    if await repository.read_staff(write.uow, staff.id):
        raise AlreadyInDirectory
    return await _store_or_propose(write, None, staff, registration.reason)


async def change_staff(write: Write, staff_id: UUID, change: StaffChange) -> Staff | Proposal:
    """Apply a merge patch; raises `NotFound`, `StaleVersion`, `UnknownReference`, `ReasonRequired`, `TooFewApprovers`, `Forbidden`.

    A change of role or outlet, and a leaving (`active` false), act at the person's next request once they are stored.
    """
    await repository.lock_directory(write.uow)
    before = await repository.read_staff(write.uow, staff_id)
    if before is None:
        raise NotFound
    write.check_version(before.version)
    changes = change.model_dump(exclude_unset=True, exclude={"reason"})
    staff = replace(before, **changes, version=before.version + 1)
    return await _store_or_propose(write, before, staff, change.reason)


async def _store_or_propose(write: Write, before: Staff | None, staff: Staff, reason: str | None) -> Staff | Proposal:
    await directory.check_staff(write.uow, staff)
    if policy.staff_needs_two(before, staff, load_roles().power):
        return await proposals.propose(write, before, staff, reason)
    author = write.call.principal
    author.scope("directory.write")  # who may only propose changes nothing alone
    await directory.store_staff(write.uow, staff, Change(author.staff_id, "direct", write.now, reason))
    return staff
