"""Break-glass and its review."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.audit.repository import Reason
from starlette.responses import Response

from customer_svc.access_grants import repository, service
from customer_svc.access_grants.repository import AccessGrant
from customer_svc.access_grants.schemas import AccessGrantOut, AccessReview, BreakGlass
from customer_svc.parts import parts_of

access_grants = router("access grants")

_ASKED = {"reason": "Her RM is away and she stands at our counter with a blocked card.", "hours": 2}
_ASKED_ZH = {"reason": "客户经理外出，客户持被锁定的卡在柜台等候。", "hours": 2}
_GRANT = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a71",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "staff_id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "reason": _ASKED_ZH["reason"],
    "granted_at": "2026-11-23T02:30:00Z",
    "ends_at": "2026-11-23T04:30:00Z",
    "reviewed_at": None,
    "reviewed_by": None,
    "verdict": None,
}
_REVIEWED = {
    **_GRANT,
    "reviewed_at": "2026-11-24T01:00:00Z",
    "reviewed_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03",
    "verdict": "justified",
}


@access_grants.post(
    "/v1/customers/{customer_id}:breakGlass",
    operation_id="breakGlass",
    summary="Read a customer beyond one's rows, for a reason and a time (应急访问)",
    description="The file can be read within a second of the answer, until `ends_at`, and changed by nobody more than before."
    " Every access is told, raises an alert, and is reviewed by somebody else. At most ten customers are open to a person at once.",
    **documented(AccessGrantOut, _GRANT, status=201, request=_ASKED, request_zh=_ASKED_ZH),
)
async def break_glass(
    customer_id: UUID, body: BreakGlass, call: Annotated[Call, permission("customer.break_glass", rate="reveal")]
) -> Response:
    keys = parts_of(call).keys
    async with call.write() as write:
        grant = await service.break_glass(write.work, keys, customer_id, body.reason, body.hours)
        reason = Reason(body.reason, await keys.get(customer_id))
        await audit.record(write.uow, write.audit, customer_id, ("access",), reason=reason)
        return await write.reply(201, await _out(call, grant))


@access_grants.get(
    "/v1/access-grants",
    operation_id="listAccessGrants",
    summary="Who read customers of one's rows beyond their own (应急访问记录)",
    **documented(Page[AccessGrantOut], {"data": [_GRANT], "next_cursor": None}),
)
async def list_access_grants(
    paging: Paging,
    call: Annotated[Call, permission("access_grant.read")],
    pending: Annotated[bool, Query(description="Only those without a review.")] = False,
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_grants(read.uow, read.scope, read.now, pending=pending, past=past, limit=paging.limit + 1)
        shown = {grant.id: await _out(call, grant) for grant in found[: paging.limit]}
        await audit.record_many(read.uow, read.audit, {grant.customer_id for grant in found[: paging.limit]}, ("access",))
        return read.reply(page_of(found, paging, cursor, key=lambda g: (g.granted_at, g.id), item=lambda g: shown[g.id]))


@access_grants.post(
    "/v1/access-grants/{grant_id}:review",
    operation_id="reviewAccessGrant",
    summary="Say whether an access was justified, once (复核应急访问)",
    **documented(AccessGrantOut, _REVIEWED, request={"verdict": "justified"}),
)
async def review_access_grant(
    grant_id: UUID, body: AccessReview, call: Annotated[Call, permission("access_grant.review")]
) -> Response:
    async with call.write() as write:
        reviewed = await service.review_grant(write.work, parts_of(call).keys, grant_id, body.verdict)
        await audit.record(write.uow, write.audit, reviewed.customer_id, ("access", body.verdict.value))
        return await write.reply(200, await _out(call, reviewed))


async def _out(call: Call, grant: AccessGrant) -> AccessGrantOut:
    stored = {name: getattr(grant, name) for name in AccessGrantOut.model_fields if name != "reason"}
    return AccessGrantOut(**stored, reason=await service.reason_of(grant, parts_of(call).keys))
