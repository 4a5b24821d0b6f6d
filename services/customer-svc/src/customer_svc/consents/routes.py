"""Consents over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.consents import repository, service
from customer_svc.consents.policy import ConsentStandard
from customer_svc.consents.repository import Statement
from customer_svc.consents.schemas import ConsentGrant, ConsentOut, ConsentWithdrawal
from customer_svc.consents.service import ConsentRules
from customer_svc.customers.repository import customer_is_visible
from customer_svc.parts import parts_of

consents = router("consents")

_GIVEN = {
    "purpose": "marketing",
    "channel": "phone",
    "granted": True,
    "since": "2026-11-23T02:30:00Z",
    "method": "signed_form",
    "text_version": "marketing-2026-03",
    "recorded_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "data_origin": "reported",
    "agreed_on": None,
    "recorded_at": "2026-11-23T02:30:00Z",
}
_TAKEN = {
    **_GIVEN,
    "granted": False,
    "since": "2026-11-24T06:00:00Z",
    "recorded_at": "2026-11-24T06:00:00Z",
    "method": "phone_recorded",
    "text_version": None,
}
_GRANT = {
    "purpose": "marketing",
    "channels": ["phone", "sms"],
    "method": "signed_form",
    "text_version": "marketing-2026-03",
    "agreed_on": "2026-11-20",
}
_WITHDRAWAL = {"purpose": "marketing", "method": "phone_recorded"}


@consents.post(
    "/v1/customers/{customer_id}/consents:grant",
    operation_id="grantConsents",
    summary="Record a consent for a purpose, by channel (同意)",
    **documented(Page[ConsentOut], {"data": [_GIVEN], "next_cursor": None}, request=_GRANT),
)
async def grant_consents(customer_id: UUID, body: ConsentGrant, call: Annotated[Call, permission("consent.write")]) -> Response:
    async with call.write() as write:
        counting = await service.grant_consents(write.work, _rules(call), customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("consents",))
        return await write.reply(200, _page(counting))


@consents.post(
    "/v1/customers/{customer_id}/consents:withdraw",
    operation_id="withdrawConsents",
    summary="Record a withdrawal; it acts at once (撤回同意)",
    **documented(Page[ConsentOut], {"data": [_TAKEN], "next_cursor": None}, request=_WITHDRAWAL),
)
async def withdraw_consents(
    customer_id: UUID, body: ConsentWithdrawal, call: Annotated[Call, permission("consent.write")]
) -> Response:
    async with call.write() as write:
        counting = await service.withdraw_consents(write.work, _rules(call), customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("consents",))
        return await write.reply(200, _page(counting))


@consents.get(
    "/v1/customers/{customer_id}/consents",
    operation_id="listConsents",
    summary="What a customer agrees to now",
    **documented(Page[ConsentOut], {"data": [_GIVEN], "next_cursor": None}),
)
async def list_consents(customer_id: UUID, call: Annotated[Call, permission("consent.read")]) -> Response:
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        counting = await repository.read_consents(read.uow, read.scope, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("consents",))
        return read.reply(_page(counting))


@consents.get(
    "/v1/customers/{customer_id}/consent-history",
    operation_id="listConsentHistory",
    summary="Everything a customer ever said of consent, the last recorded first",
    **documented(Page[ConsentOut], {"data": [_TAKEN, _GIVEN], "next_cursor": None}),
)
async def list_history(customer_id: UUID, paging: Paging, call: Annotated[Call, permission("consent.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_history(read.uow, read.scope, customer_id, read.now, past=past, limit=paging.limit + 1)
        await audit.record(read.uow, read.audit, customer_id, ("consents",))
        return read.reply(page_of(found, paging, cursor, key=lambda s: (s.version,), item=_out))


def _rules(call: Call) -> ConsentRules:
    parts = parts_of(call)
    return ConsentRules(parts.standards[ConsentStandard], parts.calendar, parts.keys)


def _page(counting: list[Statement]) -> Page[ConsentOut]:
    return Page[ConsentOut](data=[_out(statement) for statement in counting], next_cursor=None)


def _out(statement: Statement) -> ConsentOut:
    return ConsentOut(**{name: getattr(statement, name) for name in ConsentOut.model_fields})
