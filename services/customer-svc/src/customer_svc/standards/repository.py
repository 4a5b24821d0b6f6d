"""Proposals, and the versions as their owner reads them. They are the bank's, not a customer's, so there is no row scope."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.standards.policy import StandardVersion
from guanxi_common.standards.tables import StandardVersionRow
from sqlalchemy import ColumnElement, and_, func, insert, or_, select, text, true, update

from customer_svc.standards.policy import StandardProposal, State
from customer_svc.standards.tables import StandardProposalRow

_proposal = table_of(StandardProposalRow)
_version = table_of(StandardVersionRow)


async def lock_standards(uow: UnitOfWork) -> None:
    """Make changes of standards follow one another: they are rare, and a number is given once."""
    await uow.execute(text("SELECT pg_advisory_xact_lock(hashtext('guanxi.standards'))"))


async def read_version(uow: UnitOfWork, kind: str, number: int) -> StandardVersion | None:
    statement = select(_version).where(_version.c.kind == kind, _version.c.number == number)
    row = (await uow.execute(statement)).mappings().first()
    return read_as(StandardVersion, row) if row else None


async def list_versions(
    uow: UnitOfWork, kind: str, *, past: tuple[int] | None = None, limit: int = 1_000
) -> list[StandardVersion]:
    """The versions of a kind, the newest first."""
    order = (_version.c.number,)
    statement = select(_version).where(_version.c.kind == kind, after(order, past, descending=True))
    rows = await uow.execute(statement.order_by(_version.c.number.desc()).limit(limit))
    return [read_as(StandardVersion, row) for row in rows.mappings()]


async def list_published(uow: UnitOfWork, after_key: tuple[str, int] | None, limit: int) -> list[StandardVersion]:
    """All versions, by kind and number. They never change, so that none needs to be locked."""
    order = (_version.c.kind, _version.c.number)
    rows = await uow.execute(select(_version).where(after(order, after_key)).order_by(*order).limit(limit))
    return [read_as(StandardVersion, row) for row in rows.mappings()]


async def newest_number(uow: UnitOfWork, kind: str) -> int:
    """The number of the newest version, in force or not; 0 without any."""
    number = await uow.execute(select(func.coalesce(func.max(_version.c.number), 0)).where(_version.c.kind == kind))
    return int(number.scalar_one())


async def package_versions(uow: UnitOfWork, kind: str) -> set[int]:
    """The versions of the package that were adopted or proposed, under the numbers with which they shipped."""
    adopted = select(_version.c.number).where(_version.c.kind == kind, _version.c.approved_by.is_(None))
    proposed = select(_proposal.c.package_version).where(_proposal.c.kind == kind, _proposal.c.package_version.is_not(None))
    return set((await uow.execute(adopted.union(proposed))).scalars())


async def insert_proposal(uow: UnitOfWork, proposal: StandardProposal) -> None:
    await uow.execute(insert(_proposal).values(values_of(proposal)))


async def read_proposal(uow: UnitOfWork, proposal_id: UUID) -> StandardProposal | None:
    row = (await uow.execute(select(_proposal).where(_proposal.c.id == proposal_id))).mappings().first()
    return _of(row) if row else None


async def store_decision(uow: UnitOfWork, proposal: StandardProposal) -> None:
    decision = {
        "state": proposal.state,
        "number": proposal.number,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
        "decision_reason": proposal.decision_reason,
    }
    await uow.execute(update(_proposal).where(_proposal.c.id == proposal.id).values(decision))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which proposals a list shows: of a kind, in a state; None: of all."""

    kind: str | None
    state: State | None


async def list_proposals(
    uow: UnitOfWork, wanted: Wanted, now: datetime, *, past: tuple[datetime, UUID] | None, limit: int
) -> list[StandardProposal]:
    """Proposals, the latest first, in this state at `now`."""
    order = (_proposal.c.proposed_at, _proposal.c.id)
    statement = select(_proposal).where(after(order, past, descending=True), _in_state(wanted.state, now))
    if wanted.kind is not None:
        statement = statement.where(_proposal.c.kind == wanted.kind)
    rows = await uow.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [_of(row) for row in rows.mappings()]


def _in_state(state: State | None, now: datetime) -> ColumnElement[bool]:
    if state is None:
        return true()
    if state is State.OPEN:
        return and_(_proposal.c.state == State.OPEN, or_(_proposal.c.expires_at.is_(None), _proposal.c.expires_at > now))
    if state is State.EXPIRED:
        return and_(_proposal.c.state == State.OPEN, _proposal.c.expires_at <= now)
    return _proposal.c.state == state


def _of(row: Mapping[Any, Any]) -> StandardProposal:
    proposal = read_as(StandardProposal, row)
    return replace(proposal, state=State(proposal.state))
