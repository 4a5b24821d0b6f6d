"""The kinds of standards that customer-svc goes by (D6), from the slices that use them."""

from typing import Final

from guanxi_common.errors import Text
from guanxi_common.standards import Kind

from customer_svc.consents.policy import ConsentStandard
from customer_svc.risk_profiles.policy import RiskProfileStandard
from customer_svc.tiers.policy import TierStandard
from customer_svc.vulnerabilities.policy import VulnerabilityStandard

_PACKAGE: Final = "customer_svc"

KINDS: Final = (
    Kind.of("consents", Text("Purposes of consent", "授权同意用途"), ConsentStandard, _PACKAGE, "consents"),
    Kind.of("risk_profiles", Text("Risk profiles", "风险测评"), RiskProfileStandard, _PACKAGE, "risk_profiles"),
    Kind.of("tiers", Text("Tiers", "客户分层"), TierStandard, _PACKAGE, "tiers"),
    Kind.of("vulnerabilities", Text("Vulnerabilities", "弱势客户"), VulnerabilityStandard, _PACKAGE, "vulnerabilities"),
)
