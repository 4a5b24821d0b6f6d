"""Propose a version of a standard, decide about it, and publish what was approved."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import DomainError, FieldError, Forbidden, InvalidInput, NotFound, Text
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox
from guanxi_common.recovery.republication import Batch
from guanxi_common.standards import Register
from guanxi_common.standards import repository as versions
from guanxi_common.standards.policy import StandardVersion, in_force, news_of_package
from guanxi_common.work import Work
from guanxi_contracts.standards import CataloguedKind, ShippedVersion, load_catalogue, problems_of

from customer_svc.directory import repository as directory
from customer_svc.proposals import policy as two_people
from customer_svc.proposals.errors import (
    NotIndependent,
    NotTheProposer,
    ProposalDecided,
    ProposalExpired,
    ProposerGone,
    SamePerson,
)
from customer_svc.standards import policy, repository
from customer_svc.standards.errors import EffectiveTooSoon, NoPreview, StandardChanged
from customer_svc.standards.events import StandardSnapshot
from customer_svc.standards.policy import Hindrance, StandardProposal, State
from customer_svc.tiers.preview import Difference

PROPOSE: Final = "standard.propose"
APPROVE: Final = "standard.approve"
VERSION: Final = 1
"""The aggregate's version of every version of a standard: it never changes."""

_ERRORS: Final[Mapping[Hindrance, type[DomainError]]] = {
    Hindrance.DECIDED: ProposalDecided,
    Hindrance.EXPIRED: ProposalExpired,
    Hindrance.OWN_PROPOSAL: SamePerson,
}
_BROKEN: Final = Text("The body breaks the schema of its kind here.", "内容不符合该类规范的格式。")
_UNFIT: Final = Text("The body breaks a rule of its kind.", "内容不符合该类规范的规则。")

Preview = Callable[[Work, Any, Any], Awaitable[Difference]]
"""What a version would change: the work, the standard in force and the proposed one."""


@dataclass(frozen=True, slots=True)
class StandardRules:
    """How standards are changed. `previews`: by kind, for those that offer one."""

    register: Register
    notice: timedelta
    previews: Mapping[str, Preview]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a standard to be."""

    kind: str
    body: Mapping[str, Any]
    reason: str
    effective_at: datetime | None


async def propose_version(work: Work, rules: StandardRules, wish: Wish) -> StandardProposal:
    """Keep a version until somebody else has decided. Raises `NotFound`, `InvalidInput`, `EffectiveTooSoon`."""
    _check_body(_kind(wish.kind), rules.register, wish.body)
    if policy.begins_at(wish.effective_at, work.now, rules.notice) is None:
        raise EffectiveTooSoon
    await repository.lock_standards(work.uow)
    proposal = StandardProposal(
        id=new_id(),
        kind=wish.kind,
        body=wish.body,
        reason=wish.reason,
        effective_at=wish.effective_at,
        base_number=await repository.newest_number(work.uow, wish.kind),
        package_version=None,
        author=work.actor,
        proposed_by=work.person,
        proposed_at=work.now,
        expires_at=work.now + policy.LIFETIME,
        state=State.OPEN,
    )
    await repository.insert_proposal(work.uow, proposal)
    return proposal


async def approve_version(work: Work, rules: StandardRules, proposal_id: UUID, reason: str) -> StandardProposal:
    """Make the proposal a version and publish it.

    Raises `NotFound`, `SamePerson`, `NotIndependent`, `ProposerGone`, `ProposalDecided`, `ProposalExpired`, `StandardChanged`,
    `EffectiveTooSoon`, `Forbidden`, and `InvalidInput` where a later release asks more of a body.
    """
    proposal = await _open_proposal(work, proposal_id)
    if proposal.proposed_by is not None:
        await _check_proposer(work, proposal)
    _check_body(_kind(proposal.kind), rules.register, proposal.body)
    effective_at = policy.begins_at(proposal.effective_at, work.now, rules.notice)
    if effective_at is None:
        raise EffectiveTooSoon
    newest = await repository.newest_number(work.uow, proposal.kind)
    if proposal.proposed_by is not None and newest != proposal.base_number:
        raise StandardChanged
    version = StandardVersion(
        kind=proposal.kind,
        number=newest + 1,
        body=proposal.body,
        author=proposal.author,
        reason=proposal.reason,
        approved_by=work.actor,
        approved_at=work.now,
        effective_at=effective_at,
    )
    await _publish(work.uow, version)
    return await _decide(work, replace(proposal, number=version.number), State.APPROVED, reason)


async def reject_version(work: Work, proposal_id: UUID, reason: str) -> StandardProposal:
    """Turn a proposal down; raises as `approve_version` does of the proposal's state and of who decides."""
    return await _decide(work, await _open_proposal(work, proposal_id), State.REJECTED, reason)


async def withdraw_version(work: Work, proposal_id: UUID) -> StandardProposal:
    """Take one's own proposal back. Raises `NotFound`, `NotTheProposer`, `ProposalDecided`, `ProposalExpired`."""
    await repository.lock_standards(work.uow)
    proposal = await repository.read_proposal(work.uow, proposal_id)
    if proposal is None:
        raise NotFound
    if proposal.proposed_by != work.person:
        raise NotTheProposer
    if hindrance := policy.why_not_open(proposal, work.now):
        raise _ERRORS[hindrance]
    return await _decide(work, proposal, State.WITHDRAWN, None)


async def preview_version(work: Work, rules: StandardRules, proposal_id: UUID) -> tuple[StandardProposal, int, Difference]:
    """What the proposal would change if it counted now, and against which version. Raises `NotFound`, `NoPreview`, `InvalidInput`."""
    proposal = await repository.read_proposal(work.uow, proposal_id)
    if proposal is None:
        raise NotFound
    if proposal.kind not in rules.previews:
        raise NoPreview
    proposed = _check_body(_kind(proposal.kind), rules.register, proposal.body)
    kind = rules.register.kinds[proposal.kind]
    now_in_force = in_force(await repository.list_versions(work.uow, proposal.kind), work.now, work.now)
    current = kind.read(now_in_force, rules.register.calendar.local_date(now_in_force.effective_at))
    return proposal, now_in_force.number, await rules.previews[proposal.kind](work, current, proposed)


async def adopt_packages(uow: UnitOfWork, calendar: BusinessCalendar, now: datetime) -> None:
    """What every start of the worker sees to: the first time the versions that ship, later a proposal where a package has a newer one."""
    await repository.lock_standards(uow)
    for kind in load_catalogue().values():
        known = await repository.package_versions(uow, kind.name)
        adopted, proposed = news_of_package([one.number for one in kind.shipped], known)
        for shipped in kind.shipped:
            if shipped.number in adopted:
                await _publish(uow, _adopted(kind, shipped, calendar))
            elif shipped.number == proposed:
                base = await repository.newest_number(uow, kind.name)
                await repository.insert_proposal(uow, _offered(kind, shipped, base, now))


async def publish_anew(uow: UnitOfWork, cursor: str | None, limit: int) -> Batch:
    """Publish the snapshots of the next versions by kind and number."""
    kind, _, number = (cursor or "").partition(":")
    told = await repository.list_published(uow, (kind, int(number)) if cursor else None, limit)
    for version in told:
        await outbox.append(uow, _snapshot(version), version=VERSION)
    return Batch(len(told), f"{told[-1].kind}:{told[-1].number}" if len(told) == limit else None)


async def _open_proposal(work: Work, proposal_id: UUID) -> StandardProposal:
    """The proposal about which the caller may decide; neither the directory nor a standard changes until the transaction ends."""
    await directory.lock_directory(work.uow)
    await repository.lock_standards(work.uow)
    proposal = await repository.read_proposal(work.uow, proposal_id)
    if proposal is None:
        raise NotFound
    if hindrance := policy.why_not_decide(proposal, work.person, work.now):
        raise _ERRORS[hindrance]
    # Asked again under the lock: the caller may have lost the role in the second for which a principal is remembered.
    if not await directory.holds(work.uow, work.person, APPROVE):
        raise Forbidden
    return proposal


async def _check_proposer(work: Work, proposal: StandardProposal) -> None:
    """Raise `ProposerGone` or `NotIndependent`."""
    if proposal.proposed_by is None or not await directory.holds(work.uow, proposal.proposed_by, PROPOSE):
        raise ProposerGone
    if await directory.changed_each_other(work.uow, proposal.proposed_by, work.person, work.now - two_people.APART):
        raise NotIndependent


async def _decide(work: Work, proposal: StandardProposal, state: State, reason: str | None) -> StandardProposal:
    decided = replace(proposal, state=state, decided_by=work.person, decided_at=work.now, decision_reason=reason)
    await repository.store_decision(work.uow, decided)
    return decided


async def _publish(uow: UnitOfWork, version: StandardVersion) -> None:
    await versions.store_versions(uow, [version])
    await outbox.append(uow, _snapshot(version), version=VERSION)


def _kind(name: str) -> CataloguedKind:
    kind = load_catalogue().get(name)
    if kind is None:
        raise NotFound
    return kind


def _check_body(kind: CataloguedKind, register: Register, body: Mapping[str, Any]) -> Any:
    """The standard that the body is, if the kind is customer-svc's own. Raises `InvalidInput` with pointers."""
    errors = [FieldError(f"/body{problem.pointer}", f"schema.{problem.keyword}", _BROKEN) for problem in problems_of(kind, body)]
    if errors:
        raise InvalidInput(errors=errors)
    own = register.kinds.get(kind.name)
    try:
        return own.read_body(body) if own is not None else None
    except (ValueError, TypeError, KeyError):
        raise InvalidInput(errors=[FieldError("/body", "rule", _UNFIT)]) from None


def _adopted(kind: CataloguedKind, shipped: ShippedVersion, calendar: BusinessCalendar) -> StandardVersion:
    since = calendar.start_of_day(shipped.effective_from)
    return StandardVersion(kind.name, shipped.number, shipped.body, shipped.author, shipped.reason, None, since, since)


def _offered(kind: CataloguedKind, shipped: ShippedVersion, base: int, now: datetime) -> StandardProposal:
    return StandardProposal(
        id=new_id(),
        kind=kind.name,
        body=shipped.body,
        reason=shipped.reason,
        effective_at=None,
        base_number=base,
        package_version=shipped.number,
        author=shipped.author,
        proposed_by=None,
        proposed_at=now,
        expires_at=None,
        state=State.OPEN,
    )


def _snapshot(version: StandardVersion) -> StandardSnapshot:
    return StandardSnapshot(
        kind=version.kind,
        number=version.number,
        body=dict(version.body),
        author=version.author,
        reason=version.reason,
        approved_by=version.approved_by,
        approved_at=version.approved_at,
        effective_at=version.effective_at,
    )
