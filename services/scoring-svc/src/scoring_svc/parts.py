"""What scoring-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from dataclasses import dataclass
from typing import cast

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.http.call import Call
from guanxi_common.http.settings import ServiceParts

from scoring_svc.actions.policy import ActionStandard
from scoring_svc.features.policy import FeatureStandard
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.propensity.policy import PropensityStandard
from scoring_svc.related_sales.policy import RelatedSaleStandard
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.scores.service import Method
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.standards import load_standards


@dataclass(frozen=True, kw_only=True)
class ScoringParts(ServiceParts):
    method: Method


def load_method(calendar: BusinessCalendar) -> Method:
    """The newest version of every standard that ships with the service."""
    return Method(
        classes=load_activity_classes(),
        retention=load_standards(RetentionStandard, "retention")[-1],
        signals=load_standards(SignalStandard, "signals")[-1],
        related_sales=load_standards(RelatedSaleStandard, "related_sales")[-1],
        actions=load_standards(ActionStandard, "actions")[-1],
        rfm=load_standards(RfmStandard, "rfm")[-1],
        features=load_standards(FeatureStandard, "features")[-1],
        propensity=load_standards(PropensityStandard, "propensity")[-1],
        calendar=calendar,
    )


def parts_of(call: Call) -> ScoringParts:
    return cast("ScoringParts", call.parts)
