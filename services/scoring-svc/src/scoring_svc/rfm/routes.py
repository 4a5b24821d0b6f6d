"""Moves between RFM groups over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from starlette.responses import Response

from scoring_svc.parts import parts_of
from scoring_svc.rfm import service
from scoring_svc.rfm.schemas import RfmMigrationOut

rfm = router("rfm")

_MIGRATION = {
    "from_date": "2026-08-31",
    "to_date": "2026-11-23",
    "window_days": 365,
    "standard_version": 1,
    "groups": [
        {"code": "champions", "zh": "核心客户", "en": "Champions"},
        {"code": "cannot_lose", "zh": "重点挽留客户", "en": "Cannot lose"},
    ],
    "matrices": [
        {
            "currency": "CNY",
            "bounds_origin": "run-0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a12",
            "customers": 64,
            "moves": [
                {"from_group": "champions", "to_group": "cannot_lose", "customers": 3},
                {"from_group": "champions", "to_group": "champions", "customers": 61},
            ],
        }
    ],
    "without_bounds": [],
}


@rfm.get(
    "/v1/rfm-migrations",
    operation_id="readRfmMigrations",
    summary="How many customers moved between RFM groups from one date to another (客户分群迁移)",
    **documented(RfmMigrationOut, _MIGRATION),
)
async def read_rfm_migrations(
    from_date: Annotated[date, Query(alias="from", description="Business date.")],
    to_date: Annotated[date, Query(alias="to", description="A later business date, not in the future.")],
    call: Annotated[Call, permission("rfm_migration.read")],
) -> Response:
    async with call.read() as read:
        return read.reply(await service.read_migrations(read.work, parts_of(call).method, from_date, to_date))
