"""Signals over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.directory.scope import customer_is_visible
from starlette.responses import Response

from scoring_svc.signals import repository
from scoring_svc.signals.repository import Signal
from scoring_svc.signals.schemas import SignalOut

signals = router("signals")

_SIGNAL = {
    "signal_id": "3a6f6c1e-9a57-5d0e-9a57-0d6f0c7b9a20",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "kind": "large_outflow",
    "severity": "critical",
    "business_date": "2026-11-20",
    "historical": False,
    "reason_en": "60,000.00 CNY left on 2026-11-20; usual on such a day is 2,400.00 CNY.",
    "reason_zh": "2026-11-20流出60,000.00 CNY，平时单日约2,400.00 CNY。",
    "evidence": {"amount_minor": 6000000, "median_minor": 240000, "currency": "CNY", "entry_ids": []},
    "raised_at": "2026-11-20T08:00:00Z",
}


@signals.get(
    "/v1/signals",
    operation_id="listSignals",
    summary="A customer's signals, the latest first (重大变化)",
    **documented(Page[SignalOut], {"data": [_SIGNAL], "next_cursor": None}),
)
async def list_signals(customer_id: UUID, paging: Paging, call: Annotated[Call, permission("signal.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_signals(
            read.uow,
            read.scope,
            customer_id,
            read.now,
            past=past,
            limit=paging.limit + 1,
        )
        await audit.record(read.uow, read.audit, customer_id, ("signals",))
        page = page_of(found, paging, cursor, key=lambda signal: (signal.business_date, signal.signal_id), item=_out)
        return read.reply(page)


def _out(signal: Signal) -> SignalOut:
    return SignalOut(
        signal_id=signal.signal_id,
        customer_id=signal.customer_id,
        kind=signal.kind,
        severity=signal.severity,
        business_date=signal.business_date,
        historical=signal.historical,
        reason_en=signal.reason_en,
        reason_zh=signal.reason_zh,
        evidence=dict(signal.evidence),
        raised_at=signal.raised_at,
    )
