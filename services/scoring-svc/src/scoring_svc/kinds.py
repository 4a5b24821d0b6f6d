"""The kinds of standards that scoring-svc goes by (D6), from the slices that use them."""

from typing import Final

from guanxi_common.errors import Text
from guanxi_common.standards import Kind

from scoring_svc.actions.policy import ActionStandard
from scoring_svc.concentration.policy import ConcentrationStandard
from scoring_svc.engagements.policy import ContactStandard
from scoring_svc.features.policy import FeatureStandard
from scoring_svc.related_sales.policy import RelatedSaleStandard
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.signals.policy import SignalStandard

_PACKAGE: Final = "scoring_svc"

KINDS: Final = (
    Kind.of("actions", Text("Next best actions", "最优下一步行动"), ActionStandard, _PACKAGE, "actions"),
    Kind.of("concentration", Text("Concentration", "客户集中度"), ConcentrationStandard, _PACKAGE, "concentration"),
    Kind.of("contact_effects", Text("Effects of contacts", "联系效果"), ContactStandard, _PACKAGE, "engagements"),
    Kind.of("features", Text("Features of models", "模型特征"), FeatureStandard, _PACKAGE, "features"),
    Kind.of(
        "propensity",
        Text("Propensity", "产品倾向"),
        PropensityStandard,
        _PACKAGE,
        "related_sales",
        "propensity.yaml",
    ),
    Kind.of("related_sales", Text("Related sales", "关联销售"), RelatedSaleStandard, _PACKAGE, "related_sales"),
    Kind.of("retention", Text("Retention risk", "流失风险"), RetentionStandard, _PACKAGE, "retention"),
    Kind.of("rfm", Text("RFM cells", "RFM 分组"), RfmStandard, _PACKAGE, "rfm"),
    Kind.of("signals", Text("Signals", "客户信号"), SignalStandard, _PACKAGE, "signals"),
)
