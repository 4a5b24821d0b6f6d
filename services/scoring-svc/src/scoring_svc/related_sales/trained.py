"""A product's versions at work: the propensity with reasons in words that add up to it (`training.applied`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from guanxi_common.errors import Text

from scoring_svc.features.policy import FeatureStandard, say
from scoring_svc.products.policy import Product, Words
from scoring_svc.related_sales.policy import OTHER_FEATURES, TYPICAL, Judged, SaleReason, Shadow
from scoring_svc.related_sales.propensity import PropensityStandard, features_at, is_held
from scoring_svc.situations.policy import Situation
from scoring_svc.training.applied import Applied, Part


@dataclass(frozen=True)
class TrainedPropensity(Applied):
    """A version of the model `name`, which is `related_sale:<product code>`."""

    name: str

    @property
    def version(self) -> str:
        return f"{self.name}-{self.number}"


@dataclass(frozen=True, slots=True)
class ProductModels:
    """The version that gives a product's propensity, and the one in its shadow. Is a `related_sales.policy.PropensityModel`."""

    active: TrainedPropensity | None
    challenger: TrainedPropensity | None
    standard: PropensityStandard
    words: FeatureStandard

    def judge(self, situation: Situation, product: Product, catalogue: Sequence[Product]) -> Judged | None:
        """The propensity by the active version; None where there is none, or it was not trained on such customers."""
        model, seen = self.active, situation.observed
        if model is None or seen is None or not _applies(model, situation, product):
            return None
        parts = model.taken_apart(features_at(seen.features, situation, product, catalogue), self.standard.reasons_shown)
        reasons = [_typical(parts.typical_bp)] if parts.typical_bp else []
        reasons += [self._reason(part, seen.currency) for part in parts.shown]
        if parts.others_bp:
            reasons.append(_others(parts.others_bp, parts.others))
        return Judged(parts.value_bp, tuple(reasons), model.version)

    def shadow(self, situation: Situation, product: Product, catalogue: Sequence[Product]) -> Shadow | None:
        """What the challenger would say."""
        model, seen = self.challenger, situation.observed
        if model is None or seen is None or not _applies(model, situation, product):
            return None
        return Shadow(model.version, model.value_bp(features_at(seen.features, situation, product, catalogue)))

    def _reason(self, part: Part, currency: str) -> SaleReason:
        word = self.standard.word(part.feature, self.words)
        is_, usual = say(part.feature, part.value, currency), say(part.feature, part.typical, currency)
        raises = part.points > 0
        name = f"{word.en[0].upper()}{word.en[1:]}"
        text = Text(
            f"{name}: {is_.en} (typical: {usual.en}); this makes it {'more' if raises else 'less'} likely.",
            f"{word.zh}：{is_.zh}（典型值{usual.zh}），可能性因此{'上升' if raises else '下降'}。",
        )
        return SaleReason(part.feature, Words(text.zh, text.en), part.points)


def _applies(model: TrainedPropensity, situation: Situation, product: Product) -> bool:
    """A version has seen customers of some currencies with some history, and none who held the product."""
    seen = situation.observed
    return seen is not None and model.covers(seen.currency, seen.history_days) and not is_held(situation, product)


def _typical(points: int) -> SaleReason:
    percent = f"{points / 100:.1f}"
    words = Words(zh=f"典型客户的可能性为{percent}%。", en=f"A typical customer's propensity is {percent} %.")
    return SaleReason(TYPICAL, words, points)


def _others(points: int, count: int) -> SaleReason:
    raises = points > 0
    words = Words(
        zh=f"其余{count}项特征合计使可能性{'上升' if raises else '下降'}。",
        en=f"{count} other features together make it {'more' if raises else 'less'} likely.",
    )
    return SaleReason(OTHER_FEATURES, words, points)
