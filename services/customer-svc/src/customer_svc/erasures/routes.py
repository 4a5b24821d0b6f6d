"""Erasure over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.erasures import service
from customer_svc.erasures.schemas import ErasureOut, ErasureRequest
from customer_svc.erasures.service import ErasureRules
from customer_svc.parts import parts_of

erasures = router("erasures")

_ERASURE = {"customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10", "erased_at": "2026-11-23T02:30:00Z"}


@erasures.post(
    "/v1/customers/{customer_id}:erase",
    operation_id="eraseCustomer",
    summary="Erase a customer for good (删除客户个人信息)",
    description="The data key is destroyed and the rows are deleted in every service; no backup brings them back. Postings stay, without"
    " a name. Refused while an account is open.",
    **documented(ErasureOut, _ERASURE, request={"basis": "customer_request"}),
)
async def erase_customer(
    customer_id: UUID, body: ErasureRequest, call: Annotated[Call, permission("customer.erase")]
) -> Response:
    parts = parts_of(call)
    async with call.write() as write:
        rules = ErasureRules(parts.erasures, parts.keys)
        erasure = await service.erase_customer(write.work, rules, customer_id)
        await audit.record(write.uow, write.audit, customer_id, ("erasure", body.basis))
        return await write.reply(200, ErasureOut(customer_id=erasure.customer_id, erased_at=erasure.erased_at))
