"""The standards that customer-svc goes by (X5): data with a version, an author, a date and a reason, beside the slice that uses them."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

import yaml
from pydantic import TypeAdapter

from customer_svc.consents.policy import ConsentStandard
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.tiers.policy import TierStandard
from customer_svc.vulnerabilities.policy import VulnerabilityStandard

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Standards:
    """One of each, the version in force."""

    consents: ConsentStandard
    risk_profiles: RiskProfileStandard
    tiers: TierStandard
    vulnerabilities: VulnerabilityStandard


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
    """The last version of `<slice_name>/standards.yaml`: a file keeps every version that was ever in force."""
    text = files("customer_svc").joinpath(slice_name, "standards.yaml").read_text(encoding="utf-8")
    versions = TypeAdapter(list[kind]).validate_python(yaml.safe_load(text)["versions"])  # type: ignore[valid-type]  # a variable
    return max(versions, key=lambda one: one.version)  # type: ignore[attr-defined]  # every standard has one
