"""The API of operations, under `/v1/<service>/operations`: the service in the path, as the reverse proxy routes by the first segment."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from guanxi_common.http.call import Call, Write, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.operations import repository, service
from guanxi_common.operations.repository import Caller, Operation
from guanxi_common.operations.schemas import KindName, OperationErrorOut, OperationOut, StateName
from guanxi_common.security.audit import repository as audit

SUBJECT = "operation"

Reader = Annotated[Call, permission("operation.read")]
Manager = Annotated[Call, permission("operation.manage")]

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a31"
EXAMPLE = {
    "id": _ID,
    "kind": "score-run",
    "state": "running",
    "stage": "scoring",
    "parameters": {"as_of": "2026-11-23"},
    "requested_by": "staff:0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a22",
    "requested_at": "2026-11-23T12:00:00Z",
    "started_at": "2026-11-23T12:00:01Z",
    "moved_at": "2026-11-23T12:00:09Z",
    "finished_at": None,
    "rows_done": 393216,
    "rows_total": 1000000,
    "rows_failed": 1,
    "cancellable": True,
    "retry_at": None,
    "result": None,
    "failure": None,
}
_CANCELLED = {**EXAMPLE, "state": "cancelled", "finished_at": "2026-11-23T12:00:12Z", "cancellable": False}
_QUEUED = {**EXAMPLE, "state": "queued", "stage": None, "started_at": None, "rows_done": 0, "rows_failed": 0}
_ERROR = {
    "number": 1,
    "item": "line 17",
    "code": "invalid_input",
    "detail": {"zh": "该行的日期无效。", "en": "The date of this row is not valid."},
}


def routes(name: str) -> APIRouter:
    """The router of the service called `name` (`customer-svc`, …)."""
    operations = router("operations")
    path = f"/v1/{name}/operations"
    listed: dict[str, Any] = documented(Page[OperationOut], {"data": [EXAMPLE], "next_cursor": None})
    failed: dict[str, Any] = documented(Page[OperationErrorOut], {"data": [_ERROR], "next_cursor": None})

    @operations.get(path, operation_id="listOperations", summary="List operations, the latest first", **listed)
    async def list_operations(
        call: Reader, page: Paging, state: StateName | None = None, kind: KindName | None = None
    ) -> Response:
        async with call.read() as read:
            cursor = call.cursor()
            position = cursor.decode(page.cursor)
            rows = await repository.list_operations(
                read.uow, _caller(call), state=state, kind=kind, position=position, limit=page.limit + 1
            )
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.requested_at, row.id), item=OperationOut.of))

    @operations.get(
        f"{path}/{{operation_id}}",
        operation_id="readOperation",
        summary="How far an operation is, and what became of it",
        **documented(OperationOut, EXAMPLE),
    )
    async def read_operation(operation_id: UUID, call: Reader) -> Response:
        async with call.read() as read:
            return read.reply(OperationOut.of(await service.read(read.uow, _caller(call), operation_id)))

    @operations.get(
        f"{path}/{{operation_id}}/errors",
        operation_id="listOperationErrors",
        summary="List the rows that an operation could not do, with their reasons",
        **failed,
    )
    async def list_errors(operation_id: UUID, call: Reader, page: Paging) -> Response:
        async with call.read() as read:
            operation = await service.read(read.uow, _caller(call), operation_id)
            cursor = call.cursor()
            rows = await repository.list_errors(read.uow, operation.id, cursor.decode(page.cursor), page.limit + 1)
            await audit.record(read.uow, read.audit, operation.id, ("errors",), subject_type=SUBJECT)
            return read.reply(page_of(rows, page, cursor, key=lambda row: (row.number,), item=OperationErrorOut.of))

    @operations.post(
        f"{path}/{{operation_id}}:cancel",
        operation_id="cancelOperation",
        summary="Cancel an operation; what its earlier steps did stays",
        **documented(OperationOut, _CANCELLED),
    )
    async def cancel_operation(operation_id: UUID, call: Manager) -> Response:
        async with call.write() as write:
            operation = await service.cancel(write.uow, _caller(call), operation_id, write.now)
            await audit.record(write.uow, write.audit, operation_id, ("state",), subject_type=SUBJECT)
            return await write.reply(200, OperationOut.of(operation))

    @operations.post(
        f"{path}/{{operation_id}}:retry",
        operation_id="retryOperation",
        summary="Have a failed operation go on from where it stopped",
        **documented(OperationOut, _QUEUED),
    )
    async def retry_operation(operation_id: UUID, call: Manager) -> Response:
        async with call.write() as write:
            operation = await service.retry(write.uow, _caller(call), operation_id, write.now)
            await audit.record(write.uow, write.audit, operation_id, ("state",), subject_type=SUBJECT)
            return await write.reply(200, OperationOut.of(operation))

    return operations


async def accepted(write: Write, name: str, operation: Operation) -> Response:
    """The answer of a request that has started an operation of the service `name`: 202, and where to watch it."""
    await audit.record(write.uow, write.audit, operation.id, ("request",), subject_type=SUBJECT)
    return await write.reply(202, OperationOut.of(operation), location=f"/v1/{name}/operations/{operation.id}")


def _caller(call: Call) -> Caller:
    return Caller(call.scope, call.principal.actor)
