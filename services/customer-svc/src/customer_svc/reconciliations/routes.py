"""Reconciliation over HTTP."""

from typing import Annotated

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.reconciliations import service
from customer_svc.reconciliations.schemas import ReconciliationRequest, ReconciliationResult

reconciliations = router("reconciliations")

_DAY = {"booked_on": "2026-11-20", "currency": "CNY", "count": 1204, "sum": -88213400}


@reconciliations.post(
    "/v1/reconciliations",
    operation_id="reconcile",
    summary="Compare core banking's count and sum per day and currency with ours (对账)",
    **documented(
        ReconciliationResult,
        {
            "source": "core",
            "status": "differs",
            "days": [
                {
                    "booked_on": "2026-11-20",
                    "currency": "CNY",
                    "status": "differs",
                    "reported_count": 1204,
                    "our_count": 1203,
                    "reported_sum": -88213400,
                    "our_sum": -88200900,
                    "parked": 0,
                    "ledger": "agrees",
                }
            ],
            "held_reversals": 0,
            "ledger": {"status": "agrees", "as_of": "2026-11-22", "compared_at": "2026-11-23T02:00:41Z"},
        },
        request={"source": "core", "days": [_DAY]},
    ),
)
async def reconcile(
    body: ReconciliationRequest, call: Annotated[Call, permission("reconciliation.run", idempotent=False)]
) -> Response:
    async with call.read() as read:
        await audit.record(read.uow, read.audit, body.source, ("count", "sum"), subject_type="reconciliation")
        return read.reply(await service.reconcile(read.work, body))
