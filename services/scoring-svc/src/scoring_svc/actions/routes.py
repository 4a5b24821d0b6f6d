"""Next best actions over HTTP."""

from collections import Counter
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.scope import customer_is_visible
from starlette.responses import Response

from scoring_svc.actions import repository, service
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.actions.repository import Action, Plan
from scoring_svc.actions.schemas import ActionOut, ConsideredOut, CustomerActionsOut, UpliftOut, WithoutActionOut
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.parts import parts_of

actions = router("actions")

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10"
_ACTION: dict[str, Any] = {
    "action_id": "8d7c1a52-4e0f-5b6e-8f11-2c9d0e7a4b10",
    "customer_id": _ID,
    "kind": "related_sale",
    "reason_code": "cross",
    "reasons": [{"code": "cross", "zh": "尚未持有该产品。", "en": "Does not hold this product yet."}],
    "product_code": "DEP-12M",
    "channel": "phone",
    "content": {"zh": "介绍一年期定期存款。", "en": "Speak of One-year term deposit."},
    "price": {"zh": "年利率1.45%", "en": "1.45 % a year"},
    "priority_bp": 2100,
    "value_minor": 60_000,
    "currency": "CNY",
    "propensity_bp": 620,
    "chosen_probability_bp": 9750,
    "due_within_hours": 72,
    "expires_on": "2026-12-25",
    "evidence": {"signal_ids": [], "entry_ids": [], "amount_minor": 6_000_000},
    "model_version": "actions-1",
    "severity": "info",
    "state": "open",
    "recommended_at": "2026-11-25T01:00:00Z",
}
_CONSIDERED = {
    name: _ACTION[name]
    for name in ("kind", "reason_code", "product_code", "channel", "priority_bp", "propensity_bp", "value_minor", "currency")
} | {
    "chosen": False,
    "probability_bp": 0,
    "refusals": [{"rule": "suitability", "values": {"level": 2, "expires_on": "2027-03-01", "risk_class": 4}}],
}
_CUSTOMER = {
    "customer_id": _ID,
    "planned_on": "2026-11-25",
    "hold_out": False,
    "data": [_ACTION],
    "considered": [_CONSIDERED],
}
_WITHOUT = {"customer_id": _ID, "planned_on": "2026-11-25", "refused_by": {"consent": 3, "one_a_period": 1}}
_UPLIFT = {
    "as_of": "2026-11-25",
    "horizon_days": 90,
    "treated": {"customers": 1150, "stayed": 1040, "bought": 92},
    "held_out": {"customers": 61, "stayed": 52, "bought": 2},
    "stayed": {"value": 0.0519, "low": -0.0182, "high": 0.1601},
    "bought": {"value": 0.0472, "low": -0.0321, "high": 0.0748},
}


@actions.get(
    "/v1/actions",
    operation_id="listActions",
    summary="The next best actions of one's own customers, the most urgent first (下一步最佳行动)",
    **documented(Page[ActionOut], {"data": [_ACTION], "next_cursor": None}),
)
async def list_actions(paging: Paging, call: Annotated[Call, permission("action.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_actions(read.uow, read.scope, read.now, past=past, limit=paging.limit + 1)
        page = page_of(found, paging, cursor, key=lambda one: (one.priority_bp, one.action_id), item=_out)
        await audit.record_many(read.uow, read.audit, {one.customer_id for one in page.data}, ("actions",))
        return read.reply(page)


@actions.get(
    "/v1/actions/{customer_id}",
    operation_id="readCustomerActions",
    summary="What is to be done for a customer, and with explain what else was considered and why not",
    **documented(CustomerActionsOut, _CUSTOMER),
)
async def read_customer_actions(
    customer_id: UUID,
    call: Annotated[Call, permission("action.read")],
    explain: Annotated[
        bool, Query(description="Also what was considered and refused, by which rule, with which values.")
    ] = False,
) -> Response:
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        live = await repository.list_actions(read.uow, read.scope, read.now, past=None, limit=100, customer_id=customer_id)
        plan = await repository.read_plan(read.uow, customer_id)
        await audit.record(read.uow, read.audit, customer_id, ("actions",))
        considered = [ConsideredOut(**one) for one in plan.considered] if plan else []
        return read.reply(
            CustomerActionsOut(
                customer_id=customer_id,
                planned_on=plan.planned_on if plan else None,
                hold_out=plan.hold_out if plan else False,
                data=[_out(action) for action in live],
                considered=considered if explain else None,
            )
        )


@actions.get(
    "/v1/customers-without-action",
    operation_id="listCustomersWithoutAction",
    summary="The customers for whom no action fits, with the rules that refused everything",
    **documented(Page[WithoutActionOut], {"data": [_WITHOUT], "next_cursor": None}),
)
async def list_customers_without_action(paging: Paging, call: Annotated[Call, permission("action.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_without_action(read.uow, read.scope, read.now, past=past, limit=paging.limit + 1)
        page = page_of(found, paging, cursor, key=lambda plan: (plan.customer_id,), item=_without)
        await audit.record_many(read.uow, read.audit, {one.customer_id for one in page.data}, ("actions",))
        return read.reply(page)


@actions.get(
    "/v1/uplift",
    operation_id="readUplift",
    summary="What recommending is worth: the treated beside the held-out, with a confidence interval",
    **documented(UpliftOut, _UPLIFT),
)
async def read_uplift(call: Annotated[Call, permission("uplift.read")]) -> Response:
    method = parts_of(call).method
    async with call.read() as read:
        today = method.calendar.local_date(read.now)
        return read.reply(
            await service.read_uplift(read.uow, method[ActionStandard], method[ActivityClasses].customer_initiated, today)
        )


def _out(action: Action) -> ActionOut:
    return ActionOut.model_validate({name: getattr(action, name) for name in ActionOut.model_fields})


def _without(plan: Plan) -> WithoutActionOut:
    rules = Counter(refusal["rule"] for one in plan.considered for refusal in one["refusals"])
    return WithoutActionOut(customer_id=plan.customer_id, planned_on=plan.planned_on, refused_by=dict(sorted(rules.items())))
