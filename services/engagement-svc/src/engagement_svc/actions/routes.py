"""Actions over HTTP: declining an offer. What is open stands on the worklist."""

from typing import Annotated
from uuid import UUID

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.actions import service
from engagement_svc.actions.schemas import DeclinedOut, DeclineRequest
from engagement_svc.parts import parts_of

actions = router("actions")

_DECLINED = {
    "action_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a41",
    "task_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a21",
    "state": "declined",
}


@actions.post(
    "/v1/tasks/{task_id}:decline",
    operation_id="declineAction",
    summary="Do not take an offer up; a duty cannot be declined (放弃该营销建议)",
    **documented(DeclinedOut, _DECLINED, request={"reason": "bad_moment"}),
)
async def decline_action(task_id: UUID, body: DeclineRequest, call: Annotated[Call, permission("action.decline")]) -> Response:
    async with call.write() as write:
        declined = await service.decline(write.work, parts_of(call).rules, task_id, body.reason)
        await audit.record(write.uow, write.audit, declined.customer_id, ("tasks",))
        return await write.reply(200, DeclinedOut(action_id=declined.action_id, task_id=task_id, state="declined"))
