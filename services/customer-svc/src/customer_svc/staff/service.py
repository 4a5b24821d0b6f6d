"""Enter and change members of staff: at once, or as a proposal where a power role is given or taken."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.directory.values import Staff
from guanxi_common.work import Work

from customer_svc.assignments import handing_over
from customer_svc.directory import repository
from customer_svc.directory import service as directory
from customer_svc.directory.errors import AlreadyInDirectory
from customer_svc.directory.policy import Change, load_roles
from customer_svc.proposals import policy
from customer_svc.proposals import service as proposals
from customer_svc.proposals.policy import Proposal
from customer_svc.staff.schemas import Deactivation, Reinstatement, StaffChange, StaffRegistration


async def register_staff(work: Work, issuer: str, registration: StaffRegistration) -> Staff | Proposal:
    """Add a person; raises `AlreadyInDirectory`, `UnknownReference`, `UnsuitableDeputy`, `ReasonRequired`, `Forbidden`."""
    await repository.lock_directory(work.uow)
    facts = registration.model_dump(exclude={"reason", "deputy_id"})
    staff = replace(directory.new_staff(issuer, **facts), deputy_id=registration.deputy_id)
    if await repository.read_staff(work.uow, staff.id):
        raise AlreadyInDirectory
    await directory.check_staff(work.uow, staff)
    await directory.check_deputy(work.uow, None, staff)
    if policy.staff_needs_two(None, staff, load_roles().power):
        return await proposals.propose(work, None, staff, registration.reason)
    work.demand("directory.write")  # who may only propose enters nobody alone
    return await _store(work, staff, registration.reason)


async def change_staff(work: Work, keys: KeyStore, staff_id: UUID, change: StaffChange) -> Staff | Proposal:
    """Apply a merge patch; raises `NotFound`, `StaleVersion`, and what `_change` raises.

    A change of role or outlet, and a leaving (`active` false), act at the person's next request once they are stored.
    """
    changes = change.model_dump(exclude_unset=True, exclude={"reason", "hand_over_to"})
    before = await _locked(work, staff_id)
    work.check_version(before.version)
    return await _change(work, keys, before, changes, change.reason, change.hand_over_to)


async def deactivate_staff(work: Work, keys: KeyStore, staff_id: UUID, request: Deactivation) -> Staff | Proposal:
    """End the employment; raises `NotFound`, and what `_change` raises. Again, it changes nothing, but hands over what hangs there."""
    before = await _locked(work, staff_id)
    if not before.active and request.hand_over_to is None:
        return before
    return await _change(work, keys, before, {"active": False}, request.reason, request.hand_over_to)


async def suspend_staff(work: Work, staff_id: UUID, reason: str) -> Staff:
    """Take the access away at once, whoever it is and whatever hangs on them; raises `NotFound` alone. Again, it changes nothing.

    One person is enough, for a power role too: whoever sees that a token is misused acts at once. It gives nobody any power, and two
    people lift it.
    """
    before = await _locked(work, staff_id)
    return before if before.suspended else await _store(work, _next(before, {"suspended": True}), reason)


async def reinstate_staff(work: Work, keys: KeyStore, staff_id: UUID, request: Reinstatement) -> Staff | Proposal:
    """Lift a suspension; raises `NotFound`, and what `_change` raises. Of somebody who is not suspended it changes nothing."""
    before = await _locked(work, staff_id)
    if not before.suspended:
        return before
    return await _change(work, keys, before, {"suspended": False}, request.reason, None)


async def _locked(work: Work, staff_id: UUID) -> Staff:
    await repository.lock_directory(work.uow)
    before = await repository.lock_staff(work.uow, staff_id)
    if before is None:
        raise NotFound
    return before


def _next(before: Staff, changes: dict[str, Any]) -> Staff:
    return replace(before, **changes, version=before.version + 1)


async def _change(
    work: Work, keys: KeyStore, before: Staff, changes: dict[str, Any], reason: str | None, hand_over_to: UUID | None
) -> Staff | Proposal:
    """Raises `UnknownReference`, `UnsuitableDeputy`, `InvalidAbsence`, `BookNotEmpty`, `NothingToHandOver`, `NotAssignable`,
    `ReasonRequired`, `TooFewApprovers`, `Forbidden`.

    `hand_over_to` takes over what hangs on the person, in this transaction or in that of the approval.
    """
    after = _next(before, changes)
    await directory.check_staff(work.uow, after)
    await directory.check_deputy(work.uow, before, after)
    await handing_over.check_book(work, before, after, hand_over_to)
    if policy.staff_needs_two(before, after, load_roles().power):
        return await proposals.propose(work, before, after, reason, hand_over_to)
    work.demand("directory.write")  # who may only propose moves nobody's customers
    await handing_over.settle_book(work, keys, before, after, hand_over_to)
    return await _store(work, after, reason)


async def _store(work: Work, staff: Staff, reason: str | None) -> Staff:
    await directory.store_staff(work.uow, staff, Change(work.person, "direct", work.now, reason))
    return staff
