"""Assignments over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, Read, Write, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.assignments import service
from customer_svc.assignments.schemas import AssignmentList, AssignmentOut, AssignmentRequest
from customer_svc.book import repository
from customer_svc.book.policy import Interval
from customer_svc.parts import parts_of

assignments = router("assignments")

_RM = "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02"
_BOOK = {
    "data": [
        {
            "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
            "capacity": "primary_rm",
            "staff_id": _RM,
            "outlet_id": "5d0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f00",
            "valid_from": "2026-11-23T02:00:00Z",
            "valid_to": None,
        }
    ],
    "responsible_id": _RM,
    "next_cursor": None,
}


@assignments.post(
    "/v1/customers/{customer_id}:assign",
    operation_id="assignCustomer",
    summary="Give a customer to an RM (客户经理分配)",
    **documented(AssignmentList, _BOOK, request={"rm_id": _RM}),
)
async def assign_customer(
    customer_id: UUID, body: AssignmentRequest, call: Annotated[Call, permission("assignment.write")]
) -> Response:
    async with call.write() as write:
        book = await service.assign_customer(write.work, parts_of(call).keys, customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("assignments",))
        return await write.reply(200, await _out(write, customer_id, book))


@assignments.post(
    "/v1/customers/{customer_id}:replaceTransfer",
    operation_id="replaceTransfer",
    summary="Decide another transfer in the place of the pending one (变更待生效的移交)",
    description="Possible until a minute before the pending transfer takes effect; `effective_at` follows the rules of an assignment.",
    **documented(AssignmentList, _BOOK, request={"rm_id": _RM}),
)
async def replace_transfer(
    customer_id: UUID, body: AssignmentRequest, call: Annotated[Call, permission("assignment.write")]
) -> Response:
    async with call.write() as write:
        book = await service.replace_transfer(write.work, parts_of(call).keys, customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("assignments",))
        return await write.reply(200, await _out(write, customer_id, book))


@assignments.post(
    "/v1/customers/{customer_id}:cancelTransfer",
    operation_id="cancelTransfer",
    summary="Take back a transfer that has not taken effect (撤销待生效的移交)",
    description="Possible until a minute before the transfer takes effect. The present RM and assistant stay.",
    **documented(AssignmentList, _BOOK),
)
async def cancel_transfer(customer_id: UUID, call: Annotated[Call, permission("assignment.write")]) -> Response:
    async with call.write() as write:
        book = await service.cancel_transfer(write.work, parts_of(call).keys, customer_id)
        await audit.record(write.uow, write.audit, customer_id, ("assignments",))
        return await write.reply(200, await _out(write, customer_id, book))


@assignments.get(
    "/v1/customers/{customer_id}/assignments",
    operation_id="listAssignments",
    summary="Who looks after a customer, looked after it, and will",
    **documented(AssignmentList, _BOOK),
)
async def list_assignments(customer_id: UUID, call: Annotated[Call, permission("assignment.read")]) -> Response:
    async with call.read() as read:
        book = await repository.read_book(read.uow, read.scope, customer_id, read.now)
        if not book:
            raise NotFound
        await audit.record(read.uow, read.audit, customer_id, ("assignments",))
        return read.reply(await _out(read, customer_id, book))


async def _out(call: Read | Write, customer_id: UUID, book: list[Interval]) -> AssignmentList:
    return AssignmentList(
        data=[
            AssignmentOut(
                customer_id=customer_id,
                capacity=i.capacity,
                staff_id=i.staff_id,
                outlet_id=i.outlet_id,
                valid_from=i.valid_from,
                valid_to=i.valid_to,
            )
            for i in book
        ],
        responsible_id=await repository.read_responsible(call.uow, customer_id, call.now),
    )
