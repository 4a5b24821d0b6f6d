"""The standards that customer-svc goes by (X5): data with a version, an author, a date and a reason, beside the slice that uses them."""

from functools import lru_cache

from guanxi_common import standards
from guanxi_common.standards import S, Standards

from customer_svc.consents.policy import ConsentStandard
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.tiers.policy import TierStandard
from customer_svc.vulnerabilities.policy import VulnerabilityStandard


@lru_cache
def load_standards() -> Standards:
    """What ships with the service. Raises `ValueError` (pydantic's) for an unknown or missing entry."""
    return Standards(
        _newest(ConsentStandard, "consents"),
        _newest(RiskProfileStandard, "risk_profiles"),
        _newest(TierStandard, "tiers"),
        _newest(VulnerabilityStandard, "vulnerabilities"),
    )


def _newest(kind: type[S], slice_name: str) -> S:
    versions: tuple[S, ...] = standards.load_standards("customer_svc", kind, slice_name)
    return versions[-1]
