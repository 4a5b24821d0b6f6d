"""Risk profiles over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.customers.repository import customer_is_visible
from customer_svc.parts import parts_of
from customer_svc.risk_profiles import policy, repository, service
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.risk_profiles.repository import RiskProfile
from customer_svc.risk_profiles.schemas import RiskAssessment, RiskProfileOut
from customer_svc.risk_profiles.service import RiskRules

risk_profiles = router("risk profiles")

_ASSESSMENT = {"level": 3, "method": "questionnaire", "assessed_on": "2026-11-23", "questionnaire": "individual-2026"}
_PROFILE = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a61",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    **_ASSESSMENT,
    "expires_on": "2027-11-23",
    "recorded_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "recorded_at": "2026-11-23T02:30:00Z",
    "data_origin": "reported",
    "counts": True,
    "in_force": True,
}


@risk_profiles.post(
    "/v1/customers/{customer_id}/risk-profiles",
    operation_id="assessRisk",
    summary="Record how much risk a customer bears (风险评估)",
    description="The assessment with the latest date counts; the others are kept.",
    **documented(RiskProfileOut, _PROFILE, status=201, request=_ASSESSMENT),
)
async def assess_risk(
    customer_id: UUID, body: RiskAssessment, call: Annotated[Call, permission("risk_profile.write")]
) -> Response:
    parts = parts_of(call)
    async with call.write() as write:
        work = write.work
        rules = RiskRules(parts.standards[RiskProfileStandard], parts.keys)
        profile, counts = await service.assess_risk(work, rules, customer_id, body)
        await audit.record(write.uow, write.audit, customer_id, ("risk_profile",))
        location = f"/v1/customers/{customer_id}/risk-profiles"
        return await write.reply(201, _out(profile, profile if counts else None, work.today), location=location)


@risk_profiles.get(
    "/v1/customers/{customer_id}/risk-profiles",
    operation_id="listRiskProfiles",
    summary="A customer's risk assessments; the first is the one that counts",
    **documented(Page[RiskProfileOut], {"data": [_PROFILE], "next_cursor": None}),
)
async def list_profiles(customer_id: UUID, paging: Paging, call: Annotated[Call, permission("risk_profile.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    calendar = parts_of(call).calendar
    async with call.read() as read:
        if not await customer_is_visible(read.uow, read.scope, customer_id, read.now):
            raise NotFound
        found = await repository.list_profiles(read.uow, read.scope, customer_id, read.now, past=past, limit=paging.limit + 1)
        counting = await repository.read_latest(read.uow, read.scope, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("risk_profile",))
        today = calendar.local_date(read.now)
        return read.reply(
            page_of(found, paging, cursor, key=lambda p: (p.assessed_on, p.id), item=lambda p: _out(p, counting, today))
        )


def _out(profile: RiskProfile, counting: RiskProfile | None, today: date) -> RiskProfileOut:
    counts = profile == counting
    stored = {name: getattr(profile, name) for name in RiskProfileOut.model_fields if name not in ("counts", "in_force")}
    return RiskProfileOut(**stored, counts=counts, in_force=counts and policy.is_in_force(profile.expires_on, today))
