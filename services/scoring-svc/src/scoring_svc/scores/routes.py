"""Scores over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.instants import Instant
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from scoring_svc.parts import parts_of
from scoring_svc.scores import service
from scoring_svc.scores.schemas import ScoreOut

scores = router("scores")

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10"
_SCORE = {
    "customer_id": _ID,
    "as_of": "2026-11-23",
    "known_at": "2026-11-23T09:15:00Z",
    "model_version": "retention-rules-1+bgnbd-none",
    "bands_version": "none",
    "retention": {
        "value_bp": 1700,
        "band": "low",
        "short_history": False,
        "reasons": [
            {
                "code": "balance_decline",
                "contribution_bp": 2500,
                "en": "The balance is 1,200.00 CNY; its 12-month median is 24,000.00 CNY (-95 %).",
                "zh": "当前余额1,200.00 CNY，近12个月中位数为24,000.00 CNY（-95%）。",
                "evidence_ids": [],
            },
            {
                "code": "contact",
                "contribution_bp": -800,
                "en": "An appointment was made on 2026-11-23. The contact strengthened the relationship.",
                "zh": "2026-11-23已与客户约定会面。此次联系改善了客户关系。",
                "evidence_ids": ["0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a11"],
            },
        ],
    },
    "inputs": {
        "currency": "CNY",
        "other_currencies": [],
        "history_days": 640,
        "acts_recent": 14,
        "acts_before": 15,
        "silent_days": 1,
        "balance_minor": 120000,
        "median_balance_minor": 2400000,
        "outflow_minor": 2900000,
        "inflow_minor": 2800000,
        "income_overdue_days": None,
        "p_alive_bp": None,
    },
    "rfm": {
        "window_days": 365,
        "recency_days": 1,
        "frequency": 58,
        "monetary_minor": 9100000,
        "cell": 544,
        "group": "champions",
        "group_zh": "核心客户",
    },
    "lifetime": {"p_alive_bp": None, "expected_acts_90_days": None},
    "challenger": {"model_version": "retention-4", "value_bp": 1450, "band": "low"},
}


@scores.get(
    "/v1/scores/{customer_id}",
    operation_id="readScore",
    summary="Retention risk, RFM and lifetime of a customer, with reasons (客户流失风险)",
    **documented(ScoreOut, _SCORE),
)
async def read_score(
    customer_id: UUID,
    call: Annotated[Call, permission("score.read")],
    as_of: Annotated[date | None, Query(description="Business date; default today.")] = None,
    known_at: Annotated[Instant | None, Query(description="What was known at this instant; default now.")] = None,
) -> Response:
    async with call.read() as read:
        score = await service.read_score(read.work, parts_of(call).method, customer_id, as_of=as_of, known_at=known_at)
        await audit.record(read.uow, read.audit, customer_id, ("score",))
        return read.reply(ScoreOut.of(score))
