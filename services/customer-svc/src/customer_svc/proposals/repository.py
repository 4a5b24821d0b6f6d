"""The table of proposals. Nothing here belongs to a customer, so there is no row scope."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from sqlalchemy import ColumnElement, and_, insert, select, true, update

from customer_svc.proposals.policy import Proposal, State
from customer_svc.proposals.tables import DirectoryProposalRow

_proposal = table_of(DirectoryProposalRow)


def _of(row: Mapping[Any, Any]) -> Proposal:
    proposal = read_as(Proposal, row)
    return replace(proposal, state=State(proposal.state))


async def insert_proposal(uow: UnitOfWork, proposal: Proposal) -> None:
    await uow.execute(insert(_proposal).values(values_of(proposal)))


async def read_proposal(uow: UnitOfWork, proposal_id: UUID) -> Proposal | None:
    row = (await uow.execute(select(_proposal).where(_proposal.c.id == proposal_id))).mappings().first()
    return _of(row) if row else None


async def store_decision(uow: UnitOfWork, proposal: Proposal) -> None:
    decision = {
        "state": proposal.state,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
        "decision_reason": proposal.decision_reason,
    }
    await uow.execute(update(_proposal).where(_proposal.c.id == proposal.id).values(decision))


async def list_proposals(
    uow: UnitOfWork, *, state: State | None, now: datetime, past: tuple[datetime, UUID] | None, limit: int
) -> list[Proposal]:
    """Proposals, the latest first, in this state at `now`."""
    order = (_proposal.c.proposed_at, _proposal.c.id)
    statement = (
        select(_proposal)
        .where(after(order, past, descending=True), _in_state(state, now))
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    return [_of(row) for row in (await uow.execute(statement)).mappings()]


def _in_state(state: State | None, now: datetime) -> ColumnElement[bool]:
    if state is None:
        return true()
    if state is State.OPEN:
        return and_(_proposal.c.state == State.OPEN, _proposal.c.expires_at > now)
    if state is State.EXPIRED:
        return and_(_proposal.c.state == State.OPEN, _proposal.c.expires_at <= now)
    return _proposal.c.state == state
