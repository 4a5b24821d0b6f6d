"""Contacts over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.customers import repository as customers
from engagement_svc.interactions import repository, service
from engagement_svc.interactions.repository import Interaction
from engagement_svc.interactions.schemas import InteractionCorrection, InteractionOut, InteractionRecord
from engagement_svc.parts import parts_of

interactions = router("interactions")

_RECORD = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "method": "phone",
    "purpose": "care",
    "occurred_at": "2026-11-23T02:30:00Z",
    "content": "Asked about the large transfer: he bought a flat. He stays with us for the mortgage.",
    "result": "reached_positive",
    "relationship_effect": "strengthens",
    "next_step": "Send the mortgage table by Friday.",
}
_RECORD_ZH = {**_RECORD, "content": "询问大额转出原因：客户购房，贷款仍在我行办理。", "next_step": "周五前发送按揭还款表。"}
_INTERACTION = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a11",
    **_RECORD_ZH,
    "direction": "outbound",
    "replied": False,
    "booked_on": "2026-11-23",
    "result_note": None,
    "participants": [],
    "materials": [],
    "recorded_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-23T02:41:00Z",
    "late": False,
    "completed_task_ids": ["0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a21"],
    "revision": 1,
    "corrected_at": None,
    "corrected_by": None,
    "correction_reason": None,
}
_CORRECTION = {"result": "not_reached", "reason": "It was the customer's voice mail."}
_CORRECTED = {
    **_INTERACTION,
    "result": "not_reached",
    "completed_task_ids": [],
    "revision": 2,
    "corrected_at": "2026-11-23T03:00:00Z",
    "corrected_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "correction_reason": _CORRECTION["reason"],
}


@interactions.post(
    "/v1/interactions",
    operation_id="recordInteraction",
    summary="Record a contact; it ends the tasks that it answers (联系记录)",
    **documented(InteractionOut, _INTERACTION, status=201, request=_RECORD, request_zh=_RECORD_ZH),
)
async def record_interaction(body: InteractionRecord, call: Annotated[Call, permission("interaction.record")]) -> Response:
    async with call.write() as write:
        recorded = await service.record_interaction(write.work, parts_of(call).rules, body)
        await audit.record(write.uow, write.audit, recorded.customer_id, ("interaction",))
        return await write.reply(201, _out(recorded), etag=1, location=f"/v1/interactions/{recorded.id}")


@interactions.post(
    "/v1/interactions/{interaction_id}:correct",
    operation_id="correctInteraction",
    summary="Correct the record; what followed from it is judged again (更正联系记录)",
    **documented(InteractionOut, _CORRECTED, request=_CORRECTION),
)
async def correct_interaction(
    interaction_id: UUID, body: InteractionCorrection, call: Annotated[Call, permission("interaction.correct", if_match=True)]
) -> Response:
    async with call.write() as write:
        corrected = await service.correct_interaction(write.work, parts_of(call).rules, interaction_id, body)
        await audit.record(write.uow, write.audit, corrected.customer_id, ("interaction",))
        return await write.reply(200, _out(corrected), etag=corrected.revision)


@interactions.get(
    "/v1/interactions/{interaction_id}/revisions",
    operation_id="listInteractionRevisions",
    summary="What was said of a contact, the latest first",
    **documented(Page[InteractionOut], {"data": [_CORRECTED, _INTERACTION], "next_cursor": None}),
)
async def list_revisions(interaction_id: UUID, paging: Paging, call: Annotated[Call, permission("interaction.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        latest = await repository.read_interaction(read.uow, read.scope, interaction_id, read.now)
        if latest is None:
            raise NotFound
        found = await repository.list_revisions(read.uow, latest, past[0] if past else None, paging.limit + 1)
        await audit.record(read.uow, read.audit, latest.customer_id, ("interaction",))
        return read.reply(page_of(found, paging, cursor, key=lambda i: (i.revision,), item=_out))


@interactions.get(
    "/v1/interactions/{interaction_id}",
    operation_id="readInteraction",
    summary="Read a contact",
    **documented(InteractionOut, _INTERACTION),
)
async def read_interaction(interaction_id: UUID, call: Annotated[Call, permission("interaction.read")]) -> Response:
    async with call.read() as read:
        found = await repository.read_interaction(read.uow, read.scope, interaction_id, read.now)
        if found is None:
            raise NotFound
        await audit.record(read.uow, read.audit, found.customer_id, ("interaction",))
        return read.reply(_out(found), etag=found.revision)


@interactions.get(
    "/v1/interactions",
    operation_id="listInteractions",
    summary="A customer's contacts, the latest first",
    **documented(Page[InteractionOut], {"data": [_INTERACTION], "next_cursor": None}),
)
async def list_interactions(customer_id: UUID, paging: Paging, call: Annotated[Call, permission("interaction.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if not await customers.customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_interactions(
            read.uow,
            read.scope,
            customer_id,
            read.now,
            before=past,
            limit=paging.limit + 1,
        )
        await audit.record(read.uow, read.audit, customer_id, ("interaction",))
        return read.reply(page_of(found, paging, cursor, key=lambda i: (i.occurred_at, i.id), item=_out))


def _out(interaction: Interaction) -> InteractionOut:
    return InteractionOut(**{name: getattr(interaction, name) for name in InteractionOut.model_fields})
