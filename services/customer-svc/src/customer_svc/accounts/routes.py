"""Accounts over HTTP: the intake, and the list of a customer's."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.bodies import BULK_BODY_LIMIT
from guanxi_common.http.call import Call, Permission, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.hot_route import hot_route
from guanxi_common.http.pagination import Page
from guanxi_common.http.routes import router
from guanxi_common.messaging import outbox
from guanxi_common.money import Money
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.accounts import repository, service
from customer_svc.accounts.policy import Account
from customer_svc.accounts.schemas import AccountBatch, AccountBatchResult, AccountOut, AccountResult
from customer_svc.customers.repository import customer_is_visible
from customer_svc.inbound.items import in_their_places
from customer_svc.inbound.service import record_intake
from customer_svc.transactions.schemas import invalid_item

accounts = router("accounts")

_ACCOUNT = {
    "id": "3a6f6c1e-9a57-5d0e-9a57-0d6f0c7b9a20",
    "product_code": "CURRENT",
    "currency": "CNY",
    "opened_on": "2024-03-01",
    "matures_on": None,
    "closed_on": None,
    "balance": {"amount": 1250000, "currency": "CNY"},
    "balance_as_of": "2026-11-22",
}
_ITEM = {
    "source": "core",
    "account_number": "6217001234",
    "kind": "opened",
    "holder": {"source": "core", "customer_number": "100234"},
    "product_code": "CURRENT",
    "currency": "CNY",
    "opened_on": "2024-03-01",
}


@hot_route(
    "POST",
    "/v1/accounts:batchCreate",
    permission=Permission("account.intake", rate="bulk", idempotent=False),
    operation_id="batchCreateAccounts",
    tag="accounts",
    summary="Take in what core banking says of accounts: opened, closed, balance (账户接入)",
    description="Idempotent per item; an item that cannot be read or taken is `rejected` and does not hold up the others. "
    "A client reports for its own sources only, holders included (`source_not_yours`). "
    "An opening publishes the postings that were parked for the account. "
    "503 with Retry-After while earlier events are not yet published.",
    request=AccountBatch,
    response=AccountBatchResult,
    request_example={"items": [_ITEM]},
    response_example={"items": [{"index": 0, "status": "created", "account_id": _ACCOUNT["id"]}], "released_postings": 0},
    max_body_size=BULK_BODY_LIMIT,
    item_by_item=True,
)
async def batch_create_accounts(call: Call, batch: AccountBatch, unreadable: Mapping[int, str]) -> Response:
    refused = {place: AccountResult(place, "rejected", error=invalid_item(pointer)) for place, pointer in unreadable.items()}
    async with call.write() as write:
        await outbox.refuse_when_behind(write.uow)
        result = await service.report_accounts(write.work, batch.items)
        await record_intake(write.uow, write.audit, batch.items, "accounts")
        return await write.reply(200, AccountBatchResult(in_their_places(result.items, refused), result.released_postings))


@accounts.get(
    "/v1/customers/{customer_id}/accounts",
    operation_id="listAccounts",
    summary="A customer's accounts",
    **documented(Page[AccountOut], {"data": [_ACCOUNT], "next_cursor": None}),
)
async def list_accounts(customer_id: UUID, call: Annotated[Call, permission("account.read")]) -> Response:
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_accounts(read.uow, read.scope, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("accounts",))
        return read.reply(Page[AccountOut](data=[_out(account) for account in found], next_cursor=None))


def _out(account: Account) -> AccountOut:
    balance = account.balance_minor
    return AccountOut(
        id=account.id,
        product_code=account.product_code,
        currency=account.currency,
        opened_on=account.opened_on,
        matures_on=account.matures_on,
        closed_on=account.closed_on,
        balance=Money(amount=balance, currency=account.currency) if balance is not None else None,
        balance_as_of=account.balance_as_of,
    )
