"""The retention risk by a trained model (S3): a calibrated probability, with reasons in words that add up to it (`training.applied`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from guanxi_common.errors import Text

from scoring_svc.features.policy import Features, FeatureStandard, Rhythm, say
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import FULL_RISK_BP, Code
from scoring_svc.training.applied import Applied, Part

HORIZON_WEEKS: Final = 90 / 7


@dataclass(frozen=True)
class TrainedRetention(Applied):
    """A version of the retention model. `rhythm` is the BG/NBD fit of the first training cut, kept with the model: a later fit must not
    change what a version says."""

    rhythm: Predictor | None

    @property
    def version(self) -> str:
        return f"retention-{self.number}"

    def concerns(self, features: Features, standard: FeatureStandard, currency: str) -> list[Reason]:
        """The reasons, which add up to the probability: the typical customer, the strongest features, all others together."""
        parts = self.taken_apart(features, standard.reasons_shown)
        reasons = [_typical(parts.typical_bp)] if parts.typical_bp else []
        reasons += [_reason(part, standard, currency) for part in parts.shown]
        if parts.others_bp:
            reasons.append(_others(parts.others_bp, parts.others))
        return reasons


@dataclass(frozen=True, slots=True)
class RetentionModels:
    """The version that customers are scored by, and the one that scores in its shadow; None: the rules, and none."""

    active: TrainedRetention | None = None
    challenger: TrainedRetention | None = None

    def __bool__(self) -> bool:
        return bool(self.active or self.challenger)


RULES_ONLY: Final = RetentionModels()


def rhythm_of(predictor: Predictor | None, history: CustomerHistory) -> Rhythm:
    """BG/NBD's word on one customer; it says nothing without a repeat purchase."""
    days = list(history.acts)
    if predictor is None or len(days) < 2:
        return Rhythm()
    recency, age = (days[-1] - days[0]).days, (history.as_of - days[0]).days
    alive, expected = predictor.alive_and_expected([len(days) - 1], [recency], [age], HORIZON_WEEKS)
    return Rhythm(int(alive[0] * FULL_RISK_BP), round(float(expected[0]), 6))


def predictor_of(parameters: Mapping[str, Any] | None) -> Predictor | None:
    return Predictor(BgNbd(**parameters)) if parameters else None


def _typical(points: int) -> Reason:
    percent = f"{points / 100:.1f}"
    return Reason(Code.TYPICAL, points, Text(f"A typical customer's risk is {percent} %.", f"典型客户的流失风险为{percent}%。"))


def _others(points: int, count: int) -> Reason:
    raises = points > 0
    return Reason(
        Code.OTHER_FEATURES,
        points,
        Text(
            f"{count} other features together {'raise' if raises else 'lower'} the risk.",
            f"其余{count}项特征合计使风险{'上升' if raises else '下降'}。",
        ),
    )


def _reason(part: Part, standard: FeatureStandard, currency: str) -> Reason:
    name, raises = part.feature, part.points > 0
    word, is_, usual = standard.word(name), say(name, part.value, currency), say(name, part.typical, currency)
    return Reason(
        name,
        part.points,
        Text(
            f"{word.en[0].upper()}{word.en[1:]}: {is_.en} (typical: {usual.en}); this {'raises' if raises else 'lowers'} the risk.",
            f"{word.zh}：{is_.zh}（典型值{usual.zh}），风险因此{'上升' if raises else '下降'}。",
        ),
    )
