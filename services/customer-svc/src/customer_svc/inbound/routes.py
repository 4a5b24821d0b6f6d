"""Refusals of the intake from Kafka over HTTP."""

from dataclasses import asdict
from typing import Annotated

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.inbound import repository
from customer_svc.inbound.repository import InboundRejection
from customer_svc.inbound.schemas import InboundRejectionOut, SourceFilter

inbound = router("transactions")

_REJECTION = {
    "event_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a30",
    "topic": "bank.inbound.transactions",
    "source": "core",
    "account_number": "6217001234",
    "external_id": "T-1",
    "code": "content_differs",
    "detail": "The same id was posted with other content.",
    "received_at": "2026-11-23T09:15:00Z",
}


@inbound.get(
    "/v1/inbound-rejections",
    operation_id="listInboundRejections",
    summary="Items from Kafka that were not taken, and reversals refused late, the latest first",
    **documented(Page[InboundRejectionOut], {"data": [_REJECTION], "next_cursor": None}),
)
async def list_inbound_rejections(
    paging: Paging, call: Annotated[Call, permission("parked_posting.read")], source: SourceFilter = None
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_rejections(read.uow, read.scope, source=source, past=past, limit=paging.limit + 1)
        await audit.record(read.uow, read.audit, source or "every source", ("account_number",), subject_type="inbound_rejections")
        return read.reply(page_of(found, paging, cursor, key=lambda one: (one.received_at, one.event_id), item=_out))


def _out(rejection: InboundRejection) -> InboundRejectionOut:
    return InboundRejectionOut(**asdict(rejection))
