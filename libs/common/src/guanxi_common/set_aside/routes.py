"""The operators' API of items that have failed, under `/v1/<service>/set-aside-items`; the permissions are those of dead letters."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.set_aside import repository
from guanxi_common.set_aside.schemas import QueueName, SetAsideItemOut

Reader = Annotated[Call, permission("dead_letter.read")]
Manager = Annotated[Call, permission("dead_letter.manage")]

_ITEM = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "queue": "score",
    "item": "0192f0c1-0000-7000-8000-000000000001",
    "state": "set_aside",
    "attempts": 3,
    "reason": "sqlstate_57014",
    "error": "QueryCanceledError (SQLSTATE 57014) at scoring_svc/ledger/repository.py:231",
    "first_failed_at": "2026-11-23T02:00:00Z",
    "last_failed_at": "2026-11-23T02:02:30Z",
    "retry_at": None,
}
_RETRIED = {**_ITEM, "state": "retrying", "retry_at": "2026-11-23T03:00:00Z"}


def routes(service: str) -> APIRouter:
    """The router of `service` (`customer-svc`, …)."""
    operations = router("operations")
    path = f"/v1/{service}/set-aside-items"
    listed: dict[str, Any] = documented(Page[SetAsideItemOut], {"data": [_ITEM], "next_cursor": None})

    @operations.get(
        path, operation_id="listSetAsideItems", summary="List the items that fail by themselves, the latest first", **listed
    )
    async def list_items(
        call: Reader, page: Paging, status: Literal["set_aside", "all"] = "set_aside", queue: QueueName | None = None
    ) -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            position = cursor.decode(page.cursor)
            rows = await repository.list_items(
                read.uow, set_aside_only=status == "set_aside", queue=queue, position=position, limit=page.limit + 1
            )
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.last_failed_at, row.id), item=SetAsideItemOut.of))

    @operations.get(
        f"{path}/{{item_id}}",
        operation_id="showSetAsideItem",
        summary="Show an item that fails by itself",
        **documented(SetAsideItemOut, _ITEM),
    )
    async def show_item(item_id: UUID, call: Reader) -> Response:
        async with call.read() as read:
            failed = await repository.read_item(read.uow, item_id)
            if failed is None:
                raise NotFound
            await audit.record(read.uow, read.audit, item_id, ["error"], subject_type="set_aside_item")
            return read.reply(SetAsideItemOut.of(failed))

    @operations.post(
        f"{path}/{{item_id}}:retry",
        operation_id="retrySetAsideItem",
        summary="Have an item tried again at once",
        **documented(SetAsideItemOut, _RETRIED),
    )
    async def retry_item(item_id: UUID, call: Manager) -> Response:
        async with call.write() as write:
            failed = await repository.retry(write.uow, item_id, write.now)
            if failed is None:
                raise NotFound
            await audit.record(write.uow, write.audit, item_id, ["retry_at"], subject_type="set_aside_item")
            return await write.reply(200, SetAsideItemOut.of(failed))

    return operations
