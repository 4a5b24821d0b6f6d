"""Satisfaction over HTTP."""

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
from engagement_svc.satisfaction import repository, service
from engagement_svc.satisfaction.repository import Answer
from engagement_svc.satisfaction.schemas import SatisfactionOut, SatisfactionRecord

satisfaction = router("satisfaction")

_RECORD = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "satisfaction": 4,
    "nps": 9,
    "answered_on": "2026-11-23",
    "asked_about": "visit",
    "comment": "Clear advice, but a long wait.",
}
_RECORD_ZH = {**_RECORD, "comment": "建议清楚，但等候较久。"}
_ANSWER = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a61",
    **_RECORD_ZH,
    "interaction_id": None,
    "recorded_by": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-23T02:30:00Z",
}


@satisfaction.post(
    "/v1/satisfaction-answers",
    operation_id="recordSatisfaction",
    summary="Record how satisfied the customer said to be (客户满意度)",
    **documented(SatisfactionOut, _ANSWER, status=201, request=_RECORD, request_zh=_RECORD_ZH),
)
async def record_satisfaction(body: SatisfactionRecord, call: Annotated[Call, permission("satisfaction.record")]) -> Response:
    async with call.write() as write:
        answer = await service.record_satisfaction(write.work, body)
        await audit.record(write.uow, write.audit, answer.customer_id, ("satisfaction",))
        return await write.reply(201, _out(answer), location=f"/v1/satisfaction-answers?customer_id={answer.customer_id}")


@satisfaction.get(
    "/v1/satisfaction-answers",
    operation_id="listSatisfaction",
    summary="A customer's answers, the latest first",
    **documented(Page[SatisfactionOut], {"data": [_ANSWER], "next_cursor": None}),
)
async def list_satisfaction(
    customer_id: UUID, paging: Paging, call: Annotated[Call, permission("satisfaction.read")]
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if not await customers.customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_answers(read.uow, read.scope, customer_id, read.now, past=past, limit=paging.limit + 1)
        await audit.record(read.uow, read.audit, customer_id, ("satisfaction",))
        return read.reply(page_of(found, paging, cursor, key=lambda answer: (answer.answered_on, answer.id), item=_out))


def _out(answer: Answer) -> SatisfactionOut:
    return SatisfactionOut(**{name: getattr(answer, name) for name in SatisfactionOut.model_fields})
