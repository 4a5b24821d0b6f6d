"""Financial plans over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from engagement_svc.parts import parts_of
from engagement_svc.plans import repository, service
from engagement_svc.plans.repository import Plan, PlanReview
from engagement_svc.plans.schemas import PlanAgreement, PlanOut, PlanReviewOut, PlanReviewRecord
from engagement_svc.tasks.repository import Task

plans = router("plans")

_GOAL = {"area": "retirement", "term": "long", "description": "Retire at 60 with 20,000 a month", "target": None, "due_on": None}
_AGREEMENT = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "life_stage": "growing_family",
    "objective": "Keep the household safe and prepare the retirement.",
    "goals": [_GOAL],
    "agreed_on": "2026-11-20",
    "agreement_method": "signed",
    "review_every_months": 6,
}
_AGREEMENT_ZH = {**_AGREEMENT, "objective": "保障家庭，准备退休。", "agreement_method": "书面签字"}
_PLAN = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a31",
    **_AGREEMENT_ZH,
    "next_review_on": "2027-05-20",
    "author_id": "7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "version": 1,
    "created_at": "2026-11-20T08:00:00Z",
}
_RECORD = {
    "reviewed_at": "2026-11-23T02:30:00Z",
    "changes": "Second child born.",
    "portfolio_against_plan": "Deposits 10 % above plan, insurance missing.",
    "advice": "Close the insurance gap first.",
    "outcome": "adjusted",
}
_REVIEW = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a32",
    "plan_id": _PLAN["id"],
    "customer_id": _AGREEMENT["customer_id"],
    **_RECORD,
    "reviewed_on": "2026-11-23",
    "next_review_on": "2027-05-23",
    "reviewer_id": _PLAN["author_id"],
    "recorded_at": "2026-11-23T02:45:00Z",
    "completed_task_ids": [],
}


@plans.post(
    "/v1/plans",
    operation_id="agreePlan",
    summary="Keep a financial plan to which the customer has agreed (理财规划)",
    **documented(PlanOut, _PLAN, status=201, request=_AGREEMENT, request_zh=_AGREEMENT_ZH),
)
async def agree_plan(body: PlanAgreement, call: Annotated[Call, permission("plan.write")]) -> Response:
    async with call.write() as write:
        plan = await service.agree_plan(write.work, body)
        await audit.record(write.uow, write.audit, plan.customer_id, ("plan",))
        return await write.reply(201, _plan_out(plan), etag=plan.version, location=f"/v1/plans/{plan.id}")


@plans.get(
    "/v1/plans/{plan_id}",
    operation_id="readPlan",
    summary="Read a financial plan",
    **documented(PlanOut, _PLAN),
)
async def read_plan(plan_id: UUID, call: Annotated[Call, permission("plan.read")]) -> Response:
    async with call.read() as read:
        plan = await repository.read_plan(read.uow, read.scope, plan_id, read.now)
        if plan is None:
            raise NotFound
        await audit.record(read.uow, read.audit, plan.customer_id, ("plan",))
        return read.reply(_plan_out(plan), etag=plan.version)


@plans.post(
    "/v1/plans/{plan_id}/reviews",
    operation_id="reviewPlan",
    summary="Record a review of the plan; told to the other services as plan reviewed (定期回顾)",
    **documented(PlanReviewOut, _REVIEW, status=201, request=_RECORD),
)
async def review_plan(plan_id: UUID, body: PlanReviewRecord, call: Annotated[Call, permission("plan.write")]) -> Response:
    async with call.write() as write:
        review, ended = await service.review_plan(write.work, parts_of(call).rules, plan_id, body)
        await audit.record(write.uow, write.audit, review.customer_id, ("plan",))
        return await write.reply(201, _review_out(review, ended))


def _plan_out(plan: Plan) -> PlanOut:
    return PlanOut(**{name: getattr(plan, name) for name in PlanOut.model_fields})


def _review_out(review: PlanReview, ended: Sequence[Task]) -> PlanReviewOut:
    fields = {name: getattr(review, name) for name in PlanReviewOut.model_fields if name != "completed_task_ids"}
    return PlanReviewOut(**fields, completed_task_ids=[task.id for task in ended])
