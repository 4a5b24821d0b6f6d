"""The intake of postings over HTTP, and the list of what waits for its account."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from guanxi_common.http.bodies import BULK_BODY_LIMIT
from guanxi_common.http.call import Call, Permission, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.hot_route import hot_route
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.messaging import outbox
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.inbound.items import in_their_places
from customer_svc.inbound.schemas import SourceFilter
from customer_svc.inbound.service import record_intake
from customer_svc.transactions import repository, service
from customer_svc.transactions.policy import Posting
from customer_svc.transactions.schemas import BatchResult, ItemResult, ParkedPosting, TransactionBatch, invalid_item

parked_postings = router("transactions")

_ITEMS = [
    {
        "source": "core",
        "account_number": "6217001234",
        "external_id": "T-1",
        "booked_on": "2026-11-23",
        "money": {"amount": -12500, "currency": "CNY"},
        "code": "CARD",
    },
    {"source": "core", "account_number": "6217001234", "external_id": "R-1", "booked_on": "2026-11-23", "reverses": "T-1"},
]
_RESULT = {
    "items": [
        {"index": 0, "status": "created", "transaction_id": "0d6f6c1e-9a57-5d0e-9a57-0d6f0c7b9a11"},
        {"index": 1, "status": "created", "transaction_id": "0d6f6c1e-9a57-5d0e-9a57-0d6f0c7b9a12"},
    ]
}


@hot_route(
    "POST",
    "/v1/transactions:batchCreate",
    permission=Permission("transaction.intake", rate="bulk", idempotent=False),
    operation_id="batchCreateTransactions",
    tag="transactions",
    summary="Take in up to 5,000 postings and reversals from core banking (流水接入)",
    description="Idempotent per item: the key is (source, account_number, external_id). An item that cannot be taken or read is `rejected` "
    "and does not hold up the others; a posting to an unknown account is `parked`, a reversal before its original `held`. "
    "The order of arrival does not matter: a reversal that a later item shows to be wrong (it names a reversal, or another reversal of the "
    "same posting was booked earlier) is refused then, and listed under `/v1/inbound-rejections`. "
    "A client posts for its own sources only (`source_not_yours`). "
    "503 with Retry-After while the events of earlier postings are not yet published.",
    request=TransactionBatch,
    response=BatchResult,
    request_example={"items": _ITEMS},
    response_example=_RESULT,
    max_body_size=BULK_BODY_LIMIT,
    item_by_item=True,
)
async def batch_create_transactions(call: Call, batch: TransactionBatch, unreadable: Mapping[int, str]) -> Response:
    refused = {place: ItemResult(place, "rejected", error=invalid_item(pointer)) for place, pointer in unreadable.items()}
    async with call.write() as write:
        await outbox.refuse_when_behind(write.uow)
        result = await service.post_transactions(write.work, batch.items)
        await record_intake(write.uow, write.audit, batch.items, "transactions")
        answer = BatchResult(in_their_places(result.items, refused)) if refused else result
        return await write.reply(200, msgspec.json.encode(answer))


@parked_postings.get(
    "/v1/parked-postings",
    operation_id="listParkedPostings",
    summary="Postings that wait for their account to be opened",
    **documented(
        Page[ParkedPosting],
        {
            "data": [
                {
                    "source": "core",
                    "account_number": "6217009999",
                    "external_id": "T-9",
                    "booked_on": "2026-11-20",
                    "amount_minor": 5000,
                    "currency": "CNY",
                }
            ],
            "next_cursor": None,
        },
    ),
)
async def list_parked_postings(
    paging: Paging, call: Annotated[Call, permission("parked_posting.read")], source: SourceFilter = None
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_parked(
            read.uow,
            read.scope,
            source=source,
            after=past,
            limit=paging.limit + 1,
        )
        page = page_of(found, paging, cursor, key=lambda p: (p.account_number, p.external_id, p.source), item=_parked)
        await audit.record(
            read.uow, read.audit, source or "every source", ("account_number", "amount"), subject_type="parked_postings"
        )
        return read.reply(page)


def _parked(posting: Posting) -> ParkedPosting:
    return ParkedPosting(
        source=posting.source,
        account_number=posting.account_number,
        external_id=posting.external_id,
        booked_on=posting.booked_on,
        amount_minor=posting.amount_minor,
        currency=posting.currency,
    )
