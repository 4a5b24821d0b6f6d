"""Propose a change of the directory, and decide about it. The caller of `propose` holds the directory's lock."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import DomainError, Forbidden, NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.directory.values import Client, Staff
from guanxi_common.work import Work
from pydantic import TypeAdapter

from customer_svc.assignments import handing_over
from customer_svc.directory import repository as directory
from customer_svc.directory import service as entries
from customer_svc.directory.policy import APPROVE, LEAST_APPROVERS, PROPOSE, Change, load_roles
from customer_svc.proposals import policy, repository
from customer_svc.proposals.errors import (
    NotIndependent,
    NotTheProposer,
    OwnEntry,
    ProposalDecided,
    ProposalExpired,
    ProposalOutdated,
    ProposerGone,
    ReasonRequired,
    SamePerson,
    TooFewApprovers,
)
from customer_svc.proposals.policy import Hindrance, Proposal, State

Entry = Staff | Client

_ENTRY: Final[Mapping[str, TypeAdapter[Any]]] = {"staff": TypeAdapter(Staff), "client": TypeAdapter(Client)}

_ERRORS: Final[Mapping[Hindrance, type[DomainError]]] = {
    Hindrance.DECIDED: ProposalDecided,
    Hindrance.EXPIRED: ProposalExpired,
    Hindrance.OWN_PROPOSAL: SamePerson,
    Hindrance.OWN_ENTRY: OwnEntry,
}


async def propose(
    work: Work, before: Entry | None, after: Entry, reason: str | None, hand_over_to: UUID | None = None
) -> Proposal:
    """Keep `after` until somebody else has decided; raises `ReasonRequired`, `TooFewApprovers`."""
    if reason is None or not reason.strip():
        raise ReasonRequired
    await _check_approvers_left(work.uow, before, after)
    kind = "staff" if isinstance(after, Staff) else "client"
    proposal = Proposal(
        id=new_id(),
        kind=kind,
        entry_id=after.id,
        base_version=before.version if before else 0,
        entry=_ENTRY[kind].dump_python(after, mode="json"),
        changes=_changes(before, after),
        reason=reason,
        proposed_by=work.person,
        proposed_at=work.now,
        expires_at=work.now + policy.LIFETIME,
        state=State.OPEN,
        hand_over_to=hand_over_to,
    )
    await repository.insert_proposal(work.uow, proposal)
    return proposal


async def approve(work: Work, keys: KeyStore, proposal_id: UUID, reason: str) -> Proposal:
    """Bring the proposed entry into force, and publish it; what hangs on a member of staff is handed over with it.

    Raises `NotFound`, `SamePerson`, `OwnEntry`, `NotIndependent`, `ProposerGone`, `ProposalDecided`, `ProposalExpired`,
    `ProposalOutdated`, `TooFewApprovers`, `UnknownReference` or `NotAssignable` (what it names has gone), `BookNotEmpty`, `Forbidden`.
    """
    uow = work.uow
    proposal = await _open_proposal(work, proposal_id)
    if not await directory.holds(uow, proposal.proposed_by, PROPOSE):
        raise ProposerGone
    since = work.now - policy.APART
    if await directory.changed_each_other(uow, proposal.proposed_by, work.person, since):
        raise NotIndependent
    after: Entry = _ENTRY[proposal.kind].validate_python(proposal.entry)
    before = await (directory.lock_staff if proposal.kind == "staff" else directory.read_client)(uow, proposal.entry_id)
    if (before.version if before else 0) != proposal.base_version:
        raise ProposalOutdated
    await _check_approvers_left(uow, before, after)
    if isinstance(before, Staff) and isinstance(after, Staff):
        await handing_over.settle_book(work, keys, before, after, proposal.hand_over_to)
    await entries.store(uow, after, Change(proposal.proposed_by, "proposed", work.now, proposal.reason))
    return await _decide(work, proposal, State.APPROVED, reason)


async def reject(work: Work, proposal_id: UUID, reason: str) -> Proposal:
    """Turn a proposal down; raises as `approve` does of the proposal's state and of who decides."""
    return await _decide(work, await _open_proposal(work, proposal_id), State.REJECTED, reason)


async def withdraw(work: Work, proposal_id: UUID) -> Proposal:
    """Take one's own proposal back; raises `NotFound`, `NotTheProposer`, `ProposalDecided`, `ProposalExpired`."""
    await directory.lock_directory(work.uow)
    proposal = await repository.read_proposal(work.uow, proposal_id)
    if proposal is None:
        raise NotFound
    if proposal.proposed_by != work.person:
        raise NotTheProposer
    if hindrance := policy.why_not_open(proposal, work.now):
        raise _ERRORS[hindrance]
    return await _decide(work, proposal, State.WITHDRAWN, None)


async def _open_proposal(work: Work, proposal_id: UUID) -> Proposal:
    """The proposal about which the caller may decide; nothing else changes the directory until the transaction ends."""
    await directory.lock_directory(work.uow)
    proposal = await repository.read_proposal(work.uow, proposal_id)
    if proposal is None:
        raise NotFound
    decider = work.person
    if hindrance := policy.why_not_decide(proposal, decider, work.now):
        raise _ERRORS[hindrance]
    # Asked again under the lock: the caller may have lost the role in the second for which a principal is remembered.
    if not await directory.holds(work.uow, decider, APPROVE):
        raise Forbidden
    return proposal


async def _decide(work: Work, proposal: Proposal, state: State, reason: str | None) -> Proposal:
    decider = work.person
    decided = replace(proposal, state=state, decided_by=decider, decided_at=work.now, decision_reason=reason)
    await repository.store_decision(work.uow, decided)
    return decided


async def _check_approvers_left(uow: UnitOfWork, before: Entry | None, after: Entry) -> None:
    """Raise `TooFewApprovers` if the change takes an approver away and leaves fewer than two."""
    if before is None or not isinstance(after, Staff) or not await directory.holds(uow, before.id, APPROVE):
        return
    if not (after.active and after.role in load_roles().approving) and await directory.count_approvers(uow) <= LEAST_APPROVERS:
        raise TooFewApprovers


def _changes(before: Entry | None, after: Entry) -> list[str]:
    """The names of the fields in which the two differ; all of a new entry."""
    names = [field.name for field in fields(after) if field.name not in policy.UNSHOWN]
    return [name for name in names if before is None or getattr(before, name) != getattr(after, name)]
