"""Assess how much risk a customer bears."""

from dataclasses import dataclass
from uuid import UUID

from guanxi_common.errors import InvalidInput
from guanxi_common.ids import new_id
from guanxi_common.keys.store import KeyStore
from guanxi_common.work import Work

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.events import CustomerChanged
from customer_svc.facets.policy import Facet
from customer_svc.risk_profiles import policy, repository
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.risk_profiles.repository import RiskProfile
from customer_svc.risk_profiles.schemas import RiskAssessment


@dataclass(frozen=True, slots=True)
class RiskRules:
    """How long an assessment may count, and the customers' data keys."""

    standard: RiskProfileStandard
    keys: KeyStore


async def assess_risk(work: Work, rules: RiskRules, customer_id: UUID, assessment: RiskAssessment) -> tuple[RiskProfile, bool]:
    """Keep an assessment, and tell it if it counts from now on; returns it, and whether it does. Raises `NotFound`, `InvalidInput`."""
    customer = await lock_customer(work, customer_id)
    assessed_on = assessment.assessed_on or work.today
    expires_on = assessment.expires_on or policy.latest_expiry(assessed_on, rules.standard)
    if errors := policy.wrong(assessed_on, expires_on, work.today, rules.standard):
        raise InvalidInput(errors=errors)
    profile = RiskProfile(
        id=new_id(),
        customer_id=customer_id,
        level=assessment.level,
        assessed_on=assessed_on,
        expires_on=expires_on,
        method=assessment.method,
        questionnaire=assessment.questionnaire,
        recorded_by=work.actor,
        recorded_at=work.now,
        data_origin=assessment.data_origin,
    )
    await repository.insert_profile(work.uow, profile)
    counts = await repository.read_latest(work.uow, work.scope, customer_id, work.now) == profile
    if counts:
        changed = CustomerChanged(customer_id=customer_id, changed_fields=["risk_profile"])
        await tell_changes(work, await rules.keys.get(customer_id), customer, Facet.AGREEMENTS, [changed])
    return profile, counts
