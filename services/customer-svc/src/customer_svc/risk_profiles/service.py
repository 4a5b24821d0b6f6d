"""Assess how much risk a customer bears."""

from datetime import datetime
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import InvalidInput
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.principal import RowScope

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.events import CustomerChanged
from customer_svc.facets.policy import Facet
from customer_svc.risk_profiles import policy, repository
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.risk_profiles.repository import RiskProfile
from customer_svc.risk_profiles.schemas import RiskAssessment


async def assess_risk(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    calendar: BusinessCalendar,
    standard: RiskProfileStandard,
    customer_id: UUID,
    assessment: RiskAssessment,
    recorded_by: str,
    now: datetime,
) -> tuple[RiskProfile, bool]:
    """Keep an assessment, and tell it if it counts from now on; returns it, and whether it does. Raises `NotFound`, `InvalidInput`."""
    customer = await lock_customer(uow, scope, customer_id, now)
    today = calendar.local_date(now)
    assessed_on = assessment.assessed_on or today
    expires_on = assessment.expires_on or policy.latest_expiry(assessed_on, standard)
    if errors := policy.wrong(assessed_on, expires_on, today, standard):
        raise InvalidInput(errors=errors)
    profile = RiskProfile(
        id=new_id(),
        customer_id=customer_id,
        level=assessment.level,
        assessed_on=assessed_on,
        expires_on=expires_on,
        method=assessment.method,
        questionnaire=assessment.questionnaire,
        recorded_by=recorded_by,
        recorded_at=now,
        data_origin=assessment.data_origin,
    )
    await repository.insert_profile(uow, profile)
    counts = await repository.read_latest(uow, scope, customer_id, now) == profile
    if counts:
        changed = CustomerChanged(customer_id=customer_id, changed_fields=["risk_profile"])
        await tell_changes(uow, await keys.get(customer_id), customer, Facet.AGREEMENTS, [changed], now)
    return profile, counts
