"""Vulnerabilities over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.customers.repository import customer_is_visible
from customer_svc.parts import parts_of
from customer_svc.vulnerabilities import repository, service
from customer_svc.vulnerabilities.policy import VulnerabilityStandard
from customer_svc.vulnerabilities.repository import Vulnerability
from customer_svc.vulnerabilities.schemas import (
    VulnerabilityOut,
    VulnerabilityReport,
    VulnerabilityResolution,
    VulnerabilityReview,
)
from customer_svc.vulnerabilities.service import VulnerabilityRules

vulnerabilities = router("vulnerabilities")

_REASON = "vulnerability.reason"
FIELDS, REASON_FIELDS = ("vulnerability",), ("vulnerability", "vulnerability_reason")
_REPORT = {
    "kind": "life_event",
    "evidence": "customer",
    "reason": "Lost her husband two weeks ago and asks us to leave decisions for later.",
    "review_on": "2027-02-23",
}
_REPORT_ZH = {**_REPORT, "reason": "客户配偶两周前去世，希望暂缓各项决定。"}
_VULNERABILITY = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a71",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    **_REPORT_ZH,
    "opened_on": "2026-11-23",
    "opened_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-23T02:30:00Z",
    "reviewed_on": None,
    "reviewed_by": None,
    "resolved_on": None,
    "resolved_by": None,
    "resolution": None,
    "data_origin": "reported",
    "version": 1,
}
_REVIEWED = {
    **_VULNERABILITY,
    "review_on": "2027-05-23",
    "reviewed_on": "2027-02-20",
    "reviewed_by": _VULNERABILITY["opened_by"],
    "version": 2,
}
_RESOLUTION = {"resolution": "Has settled the estate and asks for advice again."}
_RESOLUTION_ZH = {"resolution": "遗产已处理完毕，客户重新寻求建议。"}
_RESOLVED = {
    **_VULNERABILITY,
    **_RESOLUTION_ZH,
    "resolved_on": "2027-02-20",
    "resolved_by": _VULNERABILITY["opened_by"],
    "version": 2,
}


@vulnerabilities.post(
    "/v1/customers/{customer_id}/vulnerabilities",
    operation_id="openVulnerability",
    summary="Record that a customer is vulnerable; it holds selling until it is resolved",
    **documented(VulnerabilityOut, _VULNERABILITY, status=201, request=_REPORT, request_zh=_REPORT_ZH),
)
async def open_vulnerability(
    customer_id: UUID, body: VulnerabilityReport, call: Annotated[Call, permission("vulnerability.write")]
) -> Response:
    async with call.write() as write:
        opened = await service.open_vulnerability(write.work, _rules(call), customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, REASON_FIELDS)
        location = f"/v1/customers/{customer_id}/vulnerabilities"
        return await write.reply(201, await _out(call, opened), etag=opened.version, location=location)


@vulnerabilities.get(
    "/v1/customers/{customer_id}/vulnerabilities",
    operation_id="listVulnerabilities",
    summary="A customer's vulnerabilities, open and resolved",
    **documented(Page[VulnerabilityOut], {"data": [_VULNERABILITY], "next_cursor": None}),
)
async def list_vulnerabilities(
    customer_id: UUID, paging: Paging, call: Annotated[Call, permission("vulnerability.read")]
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_vulnerabilities(
            read.uow, read.scope, customer_id, read.now, past=past, limit=paging.limit + 1
        )
        await audit.record(read.uow, read.audit, customer_id, REASON_FIELDS if call.shows(_REASON, customer_id) else FIELDS)
        shown = {one.id: await _out(call, one) for one in found[: paging.limit]}
        return read.reply(page_of(found, paging, cursor, key=lambda v: (v.opened_on, v.id), item=lambda v: shown[v.id]))


@vulnerabilities.post(
    "/v1/customers/{customer_id}/vulnerabilities/{vulnerability_id}:review",
    operation_id="reviewVulnerability",
    summary="It still stands: set the next review",
    **documented(VulnerabilityOut, _REVIEWED, request={"review_on": "2027-05-23"}),
)
async def review_vulnerability(
    customer_id: UUID,
    vulnerability_id: UUID,
    body: VulnerabilityReview,
    call: Annotated[Call, permission("vulnerability.write", if_match=True)],
) -> Response:
    async with call.write() as write:
        reviewed = await service.review_vulnerability(write.work, _rules(call), customer_id, vulnerability_id, body)
        await audit.record(write.uow, write.audit, customer_id, REASON_FIELDS if call.shows(_REASON, customer_id) else FIELDS)
        return await write.reply(200, await _out(call, reviewed), etag=reviewed.version)


@vulnerabilities.post(
    "/v1/customers/{customer_id}/vulnerabilities/{vulnerability_id}:resolve",
    operation_id="resolveVulnerability",
    summary="Resolve a vulnerability, once (解除)",
    **documented(VulnerabilityOut, _RESOLVED, request=_RESOLUTION, request_zh=_RESOLUTION_ZH),
)
async def resolve_vulnerability(
    customer_id: UUID,
    vulnerability_id: UUID,
    body: VulnerabilityResolution,
    call: Annotated[Call, permission("vulnerability.write", if_match=True)],
) -> Response:
    async with call.write() as write:
        resolved = await service.resolve_vulnerability(write.work, _rules(call), customer_id, vulnerability_id, body)
        await audit.record(write.uow, write.audit, customer_id, REASON_FIELDS)
        return await write.reply(200, await _out(call, resolved), etag=resolved.version)


def _rules(call: Call) -> VulnerabilityRules:
    parts = parts_of(call)
    return VulnerabilityRules(parts.standards[VulnerabilityStandard], parts.keys)


async def _out(call: Call, found: Vulnerability) -> VulnerabilityOut:
    stored = {name: getattr(found, name) for name in VulnerabilityOut.model_fields if name not in ("reason", "resolution")}
    if not call.shows(_REASON, found.customer_id):
        return VulnerabilityOut(**stored, reason=None, resolution=None)
    reason, resolution = service.words_of(found, await parts_of(call).keys.get(found.customer_id))
    return VulnerabilityOut(**stored, reason=reason, resolution=resolution)
