"""Proposals over HTTP: what waits for a second person, and that person's decision."""

from collections.abc import Collection
from typing import Annotated, Any, Final
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, Write, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.parts import parts_of
from customer_svc.proposals import repository, service
from customer_svc.proposals.policy import UNSHOWN, Proposal, State
from customer_svc.proposals.schemas import Decision, ProposalOut

proposals = router("directory")

PROPOSAL: Final[dict[str, Any]] = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a50",
    "kind": "staff",
    "entry_id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "base_version": 0,
    "entry": {"subject": "ops-02", "name": "赵敏", "role": "operations", "outlet_id": None, "reports_to": None, "active": True},
    "changes": ["subject", "name", "role", "outlet_id", "reports_to", "active"],
    "reason": "Joins the operations team.",
    "state": "open",
    "proposed_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03",
    "proposed_at": "2026-11-28T02:00:00Z",
    "expires_at": "2026-12-05T02:00:00Z",
    "decided_by": None,
    "decided_at": None,
    "decision_reason": None,
    "hand_over_to": None,
}
_DECIDED = {
    **PROPOSAL,
    "state": "approved",
    "decided_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f04",
    "decided_at": "2026-11-28T03:00:00Z",
    "decision_reason": "Seen the contract.",
}
_REJECTED = {**_DECIDED, "state": "rejected", "decision_reason": "Nobody of that name works here."}
_WITHDRAWN = {**_DECIDED, "state": "withdrawn", "decided_by": PROPOSAL["proposed_by"], "decision_reason": None}


@proposals.get(
    "/v1/directory-proposals",
    operation_id="listProposals",
    summary="Changes of power roles that wait for a second person, and what became of earlier ones; the latest first",
    **documented(Page[ProposalOut], {"data": [PROPOSAL], "next_cursor": None}),
)
async def list_proposals(
    paging: Paging, call: Annotated[Call, permission("directory.approve")], state: State | None = None
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_proposals(read.uow, state=state, now=read.now, past=past, limit=paging.limit + 1)
        page = page_of(found, paging, cursor, key=lambda p: (p.proposed_at, p.id), item=lambda p: _out(p, p.state_at(read.now)))
        return read.reply(page)


@proposals.get(
    "/v1/directory-proposals/{proposal_id}",
    operation_id="readProposal",
    summary="Read a proposal",
    **documented(ProposalOut, PROPOSAL),
)
async def read_proposal(proposal_id: UUID, call: Annotated[Call, permission("directory.approve")]) -> Response:
    async with call.read() as read:
        proposal = await repository.read_proposal(read.uow, proposal_id)
        if proposal is None:
            raise NotFound
        return read.reply(_out(proposal, proposal.state_at(read.now)))


@proposals.post(
    "/v1/directory-proposals/{proposal_id}:approve",
    operation_id="approveProposal",
    summary="Approve what another person proposed: it is in force at once",
    description="The approver is not the proposer, nor whom it concerns; neither entered or changed the other within seven days.",
    **documented(ProposalOut, _DECIDED, request={"reason": "Seen the contract."}, request_zh={"reason": "已核对劳动合同。"}),
)
async def approve_proposal(proposal_id: UUID, body: Decision, call: Annotated[Call, permission("directory.approve")]) -> Response:
    async with call.write() as write:
        proposal = await service.approve(write.work, parts_of(call).keys, proposal_id, body.reason)
        await audit.record(write.uow, write.audit, proposal.entry_id, proposal.changes, subject_type=proposal.kind)
        return await reply_proposal(write, 200, proposal, ("state", "reason"))


@proposals.post(
    "/v1/directory-proposals/{proposal_id}:reject",
    operation_id="rejectProposal",
    summary="Turn down what another person proposed",
    **documented(
        ProposalOut,
        _REJECTED,
        request={"reason": "Nobody of that name works here."},
        request_zh={"reason": "本行无此员工。"},
    ),
)
async def reject_proposal(proposal_id: UUID, body: Decision, call: Annotated[Call, permission("directory.approve")]) -> Response:
    async with call.write() as write:
        return await reply_proposal(write, 200, await service.reject(write.work, proposal_id, body.reason), ("state", "reason"))


@proposals.post(
    "/v1/directory-proposals/{proposal_id}:withdraw",
    operation_id="withdrawProposal",
    summary="Take one's own proposal back",
    **documented(ProposalOut, _WITHDRAWN),
)
async def withdraw_proposal(proposal_id: UUID, call: Annotated[Call, permission("directory.propose")]) -> Response:
    async with call.write() as write:
        return await reply_proposal(write, 200, await service.withdraw(write.work, proposal_id), ("state",))


async def reply_proposal(write: Write, status: int, proposal: Proposal, fields: Collection[str]) -> Response:
    """Audit that `fields` of the proposal were written, and answer it."""
    await audit.record(write.uow, write.audit, proposal.id, fields, subject_type="directory_proposal")
    location = f"/v1/directory-proposals/{proposal.id}" if status != 200 else None
    return await write.reply(status, _out(proposal, proposal.state), location=location)


def _out(proposal: Proposal, state: State) -> ProposalOut:
    return ProposalOut(
        id=proposal.id,
        kind=proposal.kind,
        entry_id=proposal.entry_id,
        base_version=proposal.base_version,
        entry={name: value for name, value in proposal.entry.items() if name not in UNSHOWN},
        changes=proposal.changes,
        reason=proposal.reason,
        state=state,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        expires_at=proposal.expires_at,
        decided_by=proposal.decided_by,
        decided_at=proposal.decided_at,
        decision_reason=proposal.decision_reason,
        hand_over_to=proposal.hand_over_to,
    )
