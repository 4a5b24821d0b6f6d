"""Complaints over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.complaints import repository, service
from engagement_svc.complaints.repository import Complaint
from engagement_svc.complaints.schemas import Acknowledgement, ComplaintOut, ComplaintRecord, Resolution
from engagement_svc.parts import parts_of

complaints = router("complaints")

_RECORD = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "category": "service",
    "severity": "serious",
    "channel": "branch",
    "content": "Waited for fifty minutes and was then sent away.",
}
_RECORD_ZH = {**_RECORD, "content": "等候五十分钟后被告知无法办理。"}
_COMPLAINT = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a51",
    **_RECORD_ZH,
    "opened_on": "2026-11-23",
    "opened_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-23T02:30:00Z",
    "resolved_on": None,
    "outcome": None,
    "remedy": None,
    "resolved_by": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "acknowledged_through": None,
    "version": 1,
}
_ACKNOWLEDGED = {
    **_COMPLAINT,
    "acknowledged_at": "2026-11-23T06:00:00Z",
    "acknowledged_by": _COMPLAINT["opened_by"],
    "acknowledged_through": "phone",
    "version": 2,
}
_RESOLUTION = {"outcome": "upheld", "remedy": "Apologised by the manager; an appointment was given."}
_RESOLUTION_ZH = {**_RESOLUTION, "remedy": "网点经理致歉并安排预约。"}
_RESOLVED = {**_COMPLAINT, **_RESOLUTION_ZH, "resolved_on": "2026-11-24", "resolved_by": _COMPLAINT["opened_by"], "version": 2}


@complaints.post(
    "/v1/complaints",
    operation_id="openComplaint",
    summary="Record a complaint; it opens two duties and holds selling until it is resolved (投诉)",
    **documented(ComplaintOut, _COMPLAINT, status=201, request=_RECORD, request_zh=_RECORD_ZH),
)
async def open_complaint(body: ComplaintRecord, call: Annotated[Call, permission("complaint.record")]) -> Response:
    async with call.write() as write:
        opened = await service.open_complaint(write.work, parts_of(call).rules, body)
        await audit.record(write.uow, write.audit, opened.customer_id, ("complaint",))
        return await write.reply(201, _out(opened), etag=opened.version, location=f"/v1/complaints/{opened.id}")


@complaints.get(
    "/v1/complaints/{complaint_id}",
    operation_id="readComplaint",
    summary="Read a complaint",
    **documented(ComplaintOut, _COMPLAINT),
)
async def read_complaint(complaint_id: UUID, call: Annotated[Call, permission("complaint.read")]) -> Response:
    async with call.read() as read:
        found = await repository.read_complaint(read.uow, read.scope, complaint_id, read.now)
        if found is None:
            raise NotFound
        await audit.record(read.uow, read.audit, found.customer_id, ("complaint",))
        return read.reply(_out(found), etag=found.version)


@complaints.post(
    "/v1/complaints/{complaint_id}:acknowledge",
    operation_id="acknowledgeComplaint",
    summary="Record that the customer was told of the receipt, once (告知受理)",
    **documented(ComplaintOut, _ACKNOWLEDGED, request={"through": "phone"}),
)
async def acknowledge_complaint(
    complaint_id: UUID, body: Acknowledgement, call: Annotated[Call, permission("complaint.record", if_match=True)]
) -> Response:
    async with call.write() as write:
        acknowledged = await service.acknowledge_complaint(write.work, parts_of(call).rules, complaint_id, body)
        await audit.record(write.uow, write.audit, acknowledged.customer_id, ("complaint",))
        return await write.reply(200, _out(acknowledged), etag=acknowledged.version)


@complaints.post(
    "/v1/complaints/{complaint_id}:resolve",
    operation_id="resolveComplaint",
    summary="Resolve a complaint with its outcome, once (投诉办结)",
    **documented(ComplaintOut, _RESOLVED, request=_RESOLUTION, request_zh=_RESOLUTION_ZH),
)
async def resolve_complaint(
    complaint_id: UUID, body: Resolution, call: Annotated[Call, permission("complaint.resolve", if_match=True)]
) -> Response:
    async with call.write() as write:
        resolved = await service.resolve_complaint(write.work, parts_of(call).rules, complaint_id, body)
        await audit.record(write.uow, write.audit, resolved.customer_id, ("complaint",))
        return await write.reply(200, _out(resolved), etag=resolved.version)


def _out(complaint: Complaint) -> ComplaintOut:
    return ComplaintOut(**{name: getattr(complaint, name) for name in ComplaintOut.model_fields})
