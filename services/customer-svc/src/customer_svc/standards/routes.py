"""Standards over HTTP: what counts, what is proposed, and the second person's decision."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Query
from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, Write, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.standards import repository as versions
from guanxi_common.standards.policy import StandardVersion, in_force
from guanxi_contracts.standards import CataloguedKind, load_catalogue
from starlette.responses import Response

from customer_svc.parts import parts_of
from customer_svc.standards import repository, service
from customer_svc.standards.policy import StandardProposal, State
from customer_svc.standards.repository import Wanted
from customer_svc.standards.schemas import (
    KIND,
    Decision,
    MoveOut,
    PreviewOut,
    StandardInForceOut,
    StandardOut,
    StandardProposalOut,
    StandardVersionOut,
    VersionProposal,
)
from customer_svc.standards.service import StandardRules, Wish
from customer_svc.tiers.preview import Difference, preview_tiers

standards = router("standards")

_BODY: Final[dict[str, Any]] = {
    "validity_days": 180,
    "levels": {"1": {"zh": "保守型", "en": "Conservative"}, "2": {"zh": "稳健型", "en": "Cautious"}},
}
_PROPOSED: Final = {
    "body": _BODY,
    "reason": "The supervisor asks for two assessments a year.",
    "effective_at": "2026-11-30T16:00:00Z",
}
_PROPOSED_ZH: Final = {**_PROPOSED, "reason": "监管要求每年测评两次。"}
_PROPOSAL: Final[dict[str, Any]] = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a50",
    "kind": "risk_profiles",
    **_PROPOSED,
    "base_number": 1,
    "package_version": None,
    "author": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03",
    "proposed_at": "2026-11-28T02:00:00Z",
    "expires_at": "2026-12-05T02:00:00Z",
    "state": "open",
    "number": None,
    "decided_by": None,
    "decided_at": None,
    "decision_reason": None,
}
_DECIDED: Final = {
    **_PROPOSAL,
    "decided_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f04",
    "decided_at": "2026-11-28T03:00:00Z",
    "decision_reason": "Read and compared with the circular.",
}
_APPROVED: Final = {**_DECIDED, "state": "approved", "number": 2}
_REJECTED: Final = {**_DECIDED, "state": "rejected", "decision_reason": "The circular is a draft."}
_WITHDRAWN: Final = {**_DECIDED, "state": "withdrawn", "decision_reason": None}
_VERSION: Final[dict[str, Any]] = {
    "kind": "risk_profiles",
    "number": 2,
    "body": _BODY,
    "author": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03",
    "reason": _PROPOSED["reason"],
    "approved_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f04",
    "approved_at": "2026-11-28T03:00:00Z",
    "effective_at": "2026-11-30T16:00:00Z",
}
_STANDARD: Final[dict[str, Any]] = {
    "kind": "risk_profiles",
    "service": "customer-svc",
    "zh": "风险测评",
    "en": "Risk profiles",
    "in_force": 2,
    "in_force_since": "2026-11-30T16:00:00Z",
    "newest": 2,
    "newest_effective_at": "2026-11-30T16:00:00Z",
}
_IN_FORCE: Final = {**_STANDARD, "version": _VERSION, "body_schema": {"type": "object"}, "has_preview": False}
_PREVIEW: Final = {
    "kind": "tiers",
    "against": 1,
    "looked_at": 4_057,
    "complete": True,
    "moves": [{"before": "preferred", "after": "none", "customers": 212}],
    "examples": ["7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f05"],
}

StandardKind = Annotated[str, Path(pattern=KIND)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
OfKind = Annotated[str | None, Query(pattern=KIND, description="Of this kind alone.")]


@standards.get(
    "/v1/standards",
    operation_id="listStandards",
    summary="List the kinds of standards with the version in force (规范)",
    **documented(Page[StandardOut], {"data": [_STANDARD], "next_cursor": None}),
)
async def list_standards(paging: Paging, call: Annotated[Call, permission("standard.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        known = await versions.read_versions(read.uow)
        of_kind = {name: [version for version in known if version.kind == name] for name in load_catalogue()}
        rows = [_standard(load_catalogue()[name], of_kind[name], read.now) for name in of_kind if of_kind[name]]
        rows = [row for row in rows if past is None or row.kind > past[0]][: paging.limit + 1]
        return read.reply(page_of(rows, paging, cursor, key=lambda row: (row.kind,), item=lambda row: row))


@standards.get(
    "/v1/standards/{kind}",
    operation_id="readStandard",
    summary="Read a kind of standard, the version in force and the schema of its body",
    **documented(StandardInForceOut, _IN_FORCE),
)
async def read_standard(kind: StandardKind, call: Annotated[Call, permission("standard.read")]) -> Response:
    async with call.read() as read:
        of_kind = await repository.list_versions(read.uow, kind)
        catalogued = load_catalogue().get(kind)
        if catalogued is None or not of_kind:
            raise NotFound
        return read.reply(
            StandardInForceOut(
                **_standard(catalogued, of_kind, read.now).model_dump(),
                version=_version(in_force(of_kind, read.now, read.now)),
                body_schema=dict(catalogued.schema),
                has_preview=kind in PREVIEWS,
            )
        )


@standards.get(
    "/v1/standards/{kind}/versions",
    operation_id="listStandardVersions",
    summary="List the versions of a standard, the newest first",
    **documented(Page[StandardVersionOut], {"data": [_VERSION], "next_cursor": None}),
)
async def list_standard_versions(
    kind: StandardKind, paging: Paging, call: Annotated[Call, permission("standard.read")]
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if kind not in load_catalogue():
            raise NotFound
        of_kind = await repository.list_versions(read.uow, kind, past=past, limit=paging.limit + 1)
        return read.reply(page_of(of_kind, paging, cursor, key=lambda version: (version.number,), item=_version))


@standards.get(
    "/v1/standards/{kind}/versions/{number}",
    operation_id="readStandardVersion",
    summary="Read the version of a standard that a result names",
    **documented(StandardVersionOut, _VERSION),
)
async def read_standard_version(
    kind: StandardKind, number: Number, call: Annotated[Call, permission("standard.read")]
) -> Response:
    async with call.read() as read:
        version = await repository.read_version(read.uow, kind, number)
        if version is None:
            raise NotFound
        return read.reply(_version(version))


@standards.post(
    "/v1/standards/{kind}:propose",
    operation_id="proposeStandard",
    summary="Propose the next version of a standard; another person approves it (规范变更)",
    description="The body is checked by the schema of the kind. Proposals wait for seven days.",
    **documented(
        StandardProposalOut,
        _PROPOSAL,
        status=201,
        request=_PROPOSED,
        request_zh=_PROPOSED_ZH,
    ),
)
async def propose_standard(
    kind: StandardKind, body: VersionProposal, call: Annotated[Call, permission("standard.propose")]
) -> Response:
    async with call.write() as write:
        wish = Wish(kind, body.body, body.reason, body.effective_at)
        proposal = await service.propose_version(write.work, _rules(call), wish)
        return await _reply(write, 201, proposal, ("body", "reason", "effective_at"))


@standards.get(
    "/v1/standard-proposals",
    operation_id="listStandardProposals",
    summary="Versions of standards that wait for a second person, and what became of earlier ones; the latest first",
    **documented(Page[StandardProposalOut], {"data": [_PROPOSAL], "next_cursor": None}),
)
async def list_standard_proposals(
    paging: Paging, call: Annotated[Call, permission("standard.propose")], kind: OfKind = None, state: State | None = None
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        rows = await repository.list_proposals(read.uow, Wanted(kind, state), read.now, past=past, limit=paging.limit + 1)
        page = page_of(
            rows, paging, cursor, key=lambda p: (p.proposed_at, p.id), item=lambda p: _proposal(p, p.state_at(read.now))
        )
        return read.reply(page)


@standards.get(
    "/v1/standard-proposals/{proposal_id}",
    operation_id="readStandardProposal",
    summary="Read a proposed version",
    **documented(StandardProposalOut, _PROPOSAL),
)
async def read_standard_proposal(proposal_id: UUID, call: Annotated[Call, permission("standard.propose")]) -> Response:
    async with call.read() as read:
        proposal = await repository.read_proposal(read.uow, proposal_id)
        if proposal is None:
            raise NotFound
        return read.reply(_proposal(proposal, proposal.state_at(read.now)))


@standards.get(
    "/v1/standard-proposals/{proposal_id}/preview",
    operation_id="previewStandard",
    summary="What a proposed version would change if it counted now, for the kinds that offer it (规范预演)",
    description="Of tiers: which customers' assets would reach another tier, before any grace.",
    **documented(PreviewOut, _PREVIEW),
)
async def preview_standard(proposal_id: UUID, call: Annotated[Call, permission("standard.propose")]) -> Response:
    async with call.read() as read:
        proposal, against, difference = await service.preview_version(read.work, _rules(call), proposal_id)
        await audit.record(read.uow, read.audit, proposal.id, ("preview",), subject_type="standard_proposal")
        return read.reply(_preview(proposal, against, difference))


@standards.post(
    "/v1/standard-proposals/{proposal_id}:approve",
    operation_id="approveStandard",
    summary="Approve what another person proposed; it counts from its instant on",
    description="The approver is not the proposer, and neither entered or changed the other within seven days. A version begins five "
    "minutes after its approval at the earliest.",
    **documented(
        StandardProposalOut,
        _APPROVED,
        request={"reason": _DECIDED["decision_reason"]},
        request_zh={"reason": "已与监管通知核对。"},
    ),
)
async def approve_standard(proposal_id: UUID, body: Decision, call: Annotated[Call, permission("standard.approve")]) -> Response:
    async with call.write() as write:
        proposal = await service.approve_version(write.work, _rules(call), proposal_id, body.reason)
        await audit.record(write.uow, write.audit, f"{proposal.kind}:{proposal.number}", ("body",), subject_type="standard")
        return await _reply(write, 200, proposal, ("state", "reason"))


@standards.post(
    "/v1/standard-proposals/{proposal_id}:reject",
    operation_id="rejectStandard",
    summary="Turn down a version that another person proposed",
    **documented(
        StandardProposalOut,
        _REJECTED,
        request={"reason": "The circular is a draft."},
        request_zh={"reason": "监管通知仍是征求意见稿。"},
    ),
)
async def reject_standard(proposal_id: UUID, body: Decision, call: Annotated[Call, permission("standard.approve")]) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.reject_version(write.work, proposal_id, body.reason), ("state", "reason"))


@standards.post(
    "/v1/standard-proposals/{proposal_id}:withdraw",
    operation_id="withdrawStandard",
    summary="Take one's own proposed version back",
    **documented(StandardProposalOut, _WITHDRAWN),
)
async def withdraw_standard(proposal_id: UUID, call: Annotated[Call, permission("standard.propose")]) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.withdraw_version(write.work, proposal_id), ("state",))


PREVIEWS: Final[dict[str, service.Preview]] = {"tiers": preview_tiers}


def _rules(call: Call) -> StandardRules:
    parts = parts_of(call)
    return StandardRules(parts.register, parts.notice, PREVIEWS)


async def _reply(write: Write, status: int, proposal: StandardProposal, fields: Sequence[str]) -> Response:
    """Audit that `fields` of the proposal were written, and answer it."""
    await audit.record(write.uow, write.audit, proposal.id, fields, subject_type="standard_proposal")
    location = f"/v1/standard-proposals/{proposal.id}" if status != 200 else None
    return await write.reply(status, _proposal(proposal, proposal.state), location=location)


def _standard(kind: CataloguedKind, of_kind: Sequence[StandardVersion], now: Any) -> StandardOut:
    current, newest = in_force(of_kind, now, now), max(of_kind, key=lambda version: version.number)
    return StandardOut(
        kind=kind.name,
        service=kind.service,
        zh=kind.zh,
        en=kind.en,
        in_force=current.number,
        in_force_since=current.effective_at,
        newest=newest.number,
        newest_effective_at=newest.effective_at,
    )


def _version(version: StandardVersion) -> StandardVersionOut:
    return StandardVersionOut(**asdict(version))


def _proposal(proposal: StandardProposal, state: State) -> StandardProposalOut:
    shown = {name: value for name, value in asdict(proposal).items() if name in StandardProposalOut.model_fields}
    return StandardProposalOut(**{**shown, "state": state.value})


def _preview(proposal: StandardProposal, against: int, difference: Difference) -> PreviewOut:
    moves = sorted(difference.moves.items())
    return PreviewOut(
        kind=proposal.kind,
        against=against,
        looked_at=difference.looked_at,
        complete=difference.complete,
        moves=[MoveOut(before=before, after=after, customers=count) for (before, after), count in moves],
        examples=list(difference.examples),
    )
