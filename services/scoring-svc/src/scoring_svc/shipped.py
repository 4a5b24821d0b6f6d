"""The standards that ship with the service, from the slices that use them."""

from guanxi_common.calendar import BusinessCalendar

from scoring_svc.actions.policy import ActionStandard
from scoring_svc.features.policy import FeatureStandard
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.method import Method
from scoring_svc.related_sales.policy import RelatedSaleStandard
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.standards import load_standards


def load_method(calendar: BusinessCalendar) -> Method:
    """The newest version of every standard that ships with the service."""
    standards = (
        load_activity_classes(),
        load_standards(RetentionStandard, "retention")[-1],
        load_standards(SignalStandard, "signals")[-1],
        load_standards(RelatedSaleStandard, "related_sales")[-1],
        load_standards(ActionStandard, "actions")[-1],
        load_standards(RfmStandard, "rfm")[-1],
        load_standards(FeatureStandard, "features")[-1],
        load_standards(PropensityStandard, "related_sales", "propensity.yaml")[-1],
    )
    return Method(calendar, standards)
