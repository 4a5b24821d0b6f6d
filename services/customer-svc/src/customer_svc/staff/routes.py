"""Staff over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.bodies import Body
from guanxi_common.http.call import Call, Write, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.values import Staff
from starlette.responses import Response

from customer_svc.directory import repository
from customer_svc.directory.schemas import Code
from customer_svc.parts import parts_of
from customer_svc.proposals.policy import Proposal
from customer_svc.proposals.routes import PROPOSAL, reply_proposal
from customer_svc.proposals.schemas import ProposalOut
from customer_svc.staff import service
from customer_svc.staff.schemas import (
    CallerOut,
    Deactivation,
    Reinstatement,
    StaffChange,
    StaffOut,
    StaffRegistration,
    Suspension,
)

staff = router("directory")

_OUTLET = "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f00"
_STAFF = {
    "id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "subject": "rm-01",
    "name": "李娜",
    "role": "relationship_manager",
    "outlet_id": _OUTLET,
    "reports_to": None,
    "active": True,
    "suspended": False,
    "deputy_id": None,
    "away_from": None,
    "away_until": None,
    "version": 1,
}
_SUSPENDED = {**_STAFF, "suspended": True, "version": 2}
_LEFT = {**_STAFF, "active": False, "version": 2}
_TAKER = "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03"
_BOOK = (
    " Refused with 409 `book_not_empty` while customers or a transfer to come hang on the person, unless `hand_over_to` takes them over:"
    " in the same transaction, at once."
)
_TWO_PEOPLE = (
    "Needs `directory.write`, and answers at once. Where a power role (head_office, compliance_officer, operations) is given or taken, or"
    " role or activity of its holder changes, `directory.propose` is enough: the answer is 202 with a proposal, for which `reason` is"
    " needed and which comes into force when another person approves it."
)


@staff.post(
    "/v1/staff",
    operation_id="registerStaff",
    summary="Add a member of staff",
    description=_TWO_PEOPLE,
    **documented(
        StaffOut,
        _STAFF,
        status=201,
        or_accepted=(ProposalOut, PROPOSAL),
        request={"subject": "rm-01", "name": "Li Na", "role": "relationship_manager", "outlet_id": _OUTLET},
        request_zh={"subject": "rm-01", "name": "李娜", "role": "relationship_manager", "outlet_id": _OUTLET},
    ),
)
async def register_staff(body: StaffRegistration, call: Annotated[Call, permission("directory.propose")]) -> Response:
    async with call.write() as write:
        result = await service.register_staff(write.work, parts_of(call).issuer, body)
        return await _reply(write, 201, result, body)


@staff.get(
    "/v1/staff",
    operation_id="listStaff",
    summary="List staff",
    **documented(Page[StaffOut], {"data": [_STAFF], "next_cursor": None}),
)
async def list_staff(
    paging: Paging,
    call: Annotated[Call, permission("directory.read")],
    outlet_id: UUID | None = None,
    role: Code | None = None,
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_staff(read.uow, outlet_id=outlet_id, role=role, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda s: (s.subject, s.id), item=_staff_out))


@staff.get(
    "/v1/staff/me",
    operation_id="readCaller",
    summary="Who the token says you are, and what you may do",
    **documented(
        CallerOut,
        {"staff_id": _STAFF["id"], "role": "teller", "outlet_id": _OUTLET, "grants": {"customer.read": "outlet"}},
    ),
)
async def read_caller(call: Annotated[Call, permission("directory.read")]) -> Response:
    caller = call.principal
    async with call.read() as read:
        return read.reply(
            CallerOut(
                staff_id=caller.staff_id,
                role=caller.role,
                outlet_id=caller.outlet_id,
                grants={permission_name: str(scope) for permission_name, scope in sorted(caller.grants.items())},
            )
        )


@staff.get(
    "/v1/staff/{staff_id}",
    operation_id="readStaff",
    summary="Read a member of staff",
    **documented(StaffOut, _STAFF),
)
async def read_staff(staff_id: UUID, call: Annotated[Call, permission("directory.read")]) -> Response:
    async with call.read() as read:
        member = await repository.read_staff(read.uow, staff_id)
        if member is None:
            raise NotFound
        return read.reply(_staff_out(member), etag=member.version)


@staff.patch(
    "/v1/staff/{staff_id}",
    operation_id="changeStaff",
    summary="Change role, outlet, superior, deputy or leave of a member of staff, or end the employment",
    description=_TWO_PEOPLE + " Another role or outlet, and a leaving:" + _BOOK,
    **documented(StaffOut, _STAFF, request={"active": False}, or_accepted=(ProposalOut, PROPOSAL)),
)
async def change_staff(staff_id: UUID, body: StaffChange, call: Annotated[Call, permission("directory.propose")]) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.change_staff(write.work, parts_of(call).keys, staff_id, body), body)


@staff.post(
    "/v1/staff/{staff_id}:suspend",
    operation_id="suspendStaff",
    summary="End the access of a member of staff at once (停权)",
    description=(
        "Never refused, whatever hangs on the person; in force everywhere within a minute. From then on the deputy, else the lead of the"
        " outlet, is responsible for the customers and the duties."
    ),
    **documented(StaffOut, _SUSPENDED, request={"reason": "Token misused."}, request_zh={"reason": "令牌被盗用。"}),
)
async def suspend_staff(staff_id: UUID, body: Suspension, call: Annotated[Call, permission("directory.suspend")]) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.suspend_staff(write.work, staff_id, body.reason), body)


@staff.post(
    "/v1/staff/{staff_id}:reinstate",
    operation_id="reinstateStaff",
    summary="Lift a suspension (复权)",
    description=_TWO_PEOPLE,
    **documented(
        StaffOut,
        _STAFF,
        request={"reason": "New token issued."},
        request_zh={"reason": "已更换令牌。"},
        or_accepted=(ProposalOut, PROPOSAL),
    ),
)
async def reinstate_staff(
    staff_id: UUID, body: Reinstatement, call: Annotated[Call, permission("directory.propose")]
) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.reinstate_staff(write.work, parts_of(call).keys, staff_id, body), body)


@staff.post(
    "/v1/staff/{staff_id}:deactivate",
    operation_id="deactivateStaff",
    summary="End the employment of a member of staff (离职)",
    description=_TWO_PEOPLE + _BOOK,
    **documented(StaffOut, _LEFT, request={"hand_over_to": _TAKER}, or_accepted=(ProposalOut, PROPOSAL)),
)
async def deactivate_staff(
    staff_id: UUID, body: Deactivation, call: Annotated[Call, permission("directory.propose")]
) -> Response:
    async with call.write() as write:
        return await _reply(write, 200, await service.deactivate_staff(write.work, parts_of(call).keys, staff_id, body), body)


async def _reply(write: Write, status: int, result: Staff | Proposal, body: Body) -> Response:
    """The entry, or 202 with what waits for a second person; both audited."""
    fields = sorted(body.model_fields_set) or ["active"]
    if isinstance(result, Proposal):
        return await reply_proposal(write, 202, result, fields)
    await audit.record(write.uow, write.audit, result.id, fields, subject_type="staff")
    return await write.reply(status, _staff_out(result), etag=result.version, location=f"/v1/staff/{result.id}")


def _staff_out(member: Staff) -> StaffOut:
    return StaffOut(
        id=member.id,
        subject=member.subject,
        name=member.name,
        role=member.role,
        outlet_id=member.outlet_id,
        reports_to=member.reports_to,
        active=member.active,
        suspended=member.suspended,
        deputy_id=member.deputy_id,
        away_from=member.away_from,
        away_until=member.away_until,
        version=member.version,
    )
