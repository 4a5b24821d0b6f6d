"""A customer's activity over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.instants import Instant
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from scoring_svc.activity import service
from scoring_svc.activity.schemas import ActivityOut
from scoring_svc.parts import parts_of

activity = router("activity")

_CARD = {"count": 4, "inflow_minor": 0, "outflow_minor": 186_000, "active_days": 3, "last_on": "2026-11-21"}
_INTEREST = {"count": 1, "inflow_minor": 1_240, "outflow_minor": 0, "active_days": 1, "last_on": "2026-10-31"}
_TOTAL = {"count": 5, "inflow_minor": 1_240, "outflow_minor": 186_000, "active_days": 4, "last_on": "2026-11-21"}
_BY_CLASS = [{"activity_class": "card", "figures": _CARD}, {"activity_class": "interest", "figures": _INTEREST}]
_EXAMPLE: dict[str, Any] = {
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "as_of": "2026-11-23",
    "known_at": "2026-11-23T09:15:00Z",
    "balances": [{"currency": "CNY", "balance_minor": 2_400_000, "reported_accounts": 1, "reported_on": "2026-11-22"}],
    "classes": [
        {"code": "card", "en": "Card", "zh": "银行卡", "customer_initiated": True},
        {"code": "interest", "en": "Interest", "zh": "利息", "customer_initiated": False},
    ],
    "windows": [
        {
            "currency": "CNY",
            "window_days": 30,
            "first_day": "2026-10-25",
            "total": _TOTAL,
            "by_class": _BY_CLASS,
            "by_product": [
                {"product_code": "current", "total": _INTEREST, "by_class": [_BY_CLASS[1]]},
                {"product_code": None, "total": _CARD, "by_class": [_BY_CLASS[0]]},
            ],
        }
    ],
}


@activity.get(
    "/v1/activity/{customer_id}",
    operation_id="readActivity",
    summary="A customer's postings by window, activity class, product and currency, and balances (交易汇总)",
    **documented(ActivityOut, _EXAMPLE),
)
async def read_activity(
    customer_id: UUID,
    call: Annotated[Call, permission("activity.read")],
    as_of: Annotated[date | None, Query(description="Business date; default today.")] = None,
    known_at: Annotated[Instant | None, Query(description="What was known at this instant; default now.")] = None,
) -> Response:
    async with call.read() as read:
        found = await service.read_activity(read.work, parts_of(call).method, customer_id, as_of=as_of, known_at=known_at)
        await audit.record(read.uow, read.audit, customer_id, ("activity",))
        return read.reply(found)
