"""The retention risk by a trained model (S3): a calibrated probability, taken apart into whole basis points that add up to it.

With x the calibrated log-odds of the customer, b those of a typical one and p(·) the logistic function, p(x) - p(b) is shared among the
features in proportion to their parts of x - b: the integral of each feature's gradient along the straight line from b to x
(M. Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017, sec. 3, in log-odds). The shares are rounded by largest
remainders, so that typical customer + features = the risk, exactly. For trees the parts are what the log-odds would lose with the
feature alone at its typical value; what features do only together stands with the other features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from guanxi_common.errors import Text
from scipy.special import expit

from scoring_svc.features.policy import Features, FeatureStandard, Rhythm, say
from scoring_svc.lifetime.bgnbd import BgNbd, Predictor
from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import FULL_RISK_BP, Code
from scoring_svc.scores.policy import CustomerHistory
from scoring_svc.training.table import Floats, Table

if TYPE_CHECKING:
    # Its libraries take seconds to import; a process without an active version never needs them.
    from scoring_svc.training.model import Model

DIGITS: Final = 9
"""Log-odds are rounded to so many digits: what a library's sums may differ by lies far below, so equal inputs give equal points."""

HORIZON_WEEKS: Final = 90 / 7


@dataclass(frozen=True)
class TrainedRetention:
    """A version of the model, ready to score. Immutable; safe to share between threads.

    `rhythm` is the BG/NBD fit of the first training cut, kept with the model: a later fit must not change what a version says.
    """

    model_id: UUID
    number: int
    model: "Model"
    rhythm: Predictor | None
    currencies: frozenset[str]
    min_history_days: int

    @property
    def version(self) -> str:
        return f"retention-{self.number}"

    def applies(self, history: CustomerHistory) -> bool:
        """Whether the customer is of the kind that it was trained on; else the rules apply."""
        return history.currency in self.currencies and (history.as_of - history.first_day).days >= self.min_history_days

    def value_bp(self, features: Features) -> int:
        """The probability in basis points."""
        return _points(self._parts(one_row(features, self.model.encoder.names))[0])

    def concerns(self, features: Features, standard: FeatureStandard, currency: str) -> list[Reason]:
        """The reasons, which add up to the probability: the typical customer, the strongest features, all others together."""
        names = self.model.encoder.names
        log_odds, parts = self._parts(one_row(features, names))
        typical_bp = _points(self.model.base)
        points = shares(self.model.base, log_odds, parts, _points(log_odds) - typical_bp)
        order = sorted(range(len(names)), key=lambda index: (-abs(points[index]), names[index]))
        shown = [index for index in order if points[index]][: standard.reasons_shown]
        reasons = [_typical(typical_bp)] if typical_bp else []
        typical = dict(zip(names, self.model.encoder.typical.tolist(), strict=True))
        reasons += [_reason(names[i], features[names[i]], typical[names[i]], points[i], standard, currency) for i in shown]
        rest = sum(points) - sum(points[index] for index in shown)
        if rest:
            reasons.append(_others(rest, len(names) - len(shown)))
        return reasons

    def _parts(self, row: Table) -> tuple[float, Floats]:
        """The log-odds and each feature's part of them, in the encoder's order."""
        if self.model.kind.value == "logistic":
            parts = np.round(self.model.contributions(row)[0], DIGITS)
            return round(self.model.base + float(parts.sum()), DIGITS), parts
        names, typical = self.model.encoder.names, self.model.encoder.typical
        columns = {}
        for index, name in enumerate(names):
            column = np.repeat(row.columns[name], len(names) + 1)
            column[index + 1] = typical[index]
            columns[name] = column
        found = np.round(self.model.log_odds(Table(columns)), DIGITS)
        return float(found[0]), found[0] - found[1:]


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


def one_row(features: Features, names: Sequence[str]) -> Table:
    return Table({name: np.array([_number(features[name])]) for name in names})


def matrix_of(features: Sequence[Features], names: Sequence[str]) -> Mapping[str, Floats]:
    """The columns of many customers, for a comparison with the training."""
    return {name: np.array([_number(one[name]) for one in features]) for name in names}


def shares(base: float, log_odds: float, parts: Floats, total: int) -> list[int]:
    """`total` basis points among the parts and, last, what they do together; the sum is exact."""
    together = log_odds - base - float(parts.sum())
    whole = log_odds - base
    slope = float(expit(base) * (1 - expit(base))) if abs(whole) < 1e-6 else float((expit(log_odds) - expit(base)) / whole)
    exact = np.append(parts, together) * slope * FULL_RISK_BP
    floors = np.floor(exact).astype(np.int64)
    missing = total - int(floors.sum())
    order = np.argsort(-(exact - floors), kind="stable")
    floors += missing // floors.size
    floors[order[: missing % floors.size]] += 1
    return [int(value) for value in floors]


def _points(log_odds: float) -> int:
    return round(float(expit(round(log_odds, DIGITS))) * FULL_RISK_BP)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


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


def _reason(name: str, value: float | None, typical: float, points: int, standard: FeatureStandard, currency: str) -> Reason:
    word, is_, usual = standard.word(name), say(name, value, currency), say(name, typical, currency)
    raises = points > 0
    return Reason(
        name,
        points,
        Text(
            f"{word.en[0].upper()}{word.en[1:]}: {is_.en} (typical: {usual.en}); this {'raises' if raises else 'lowers'} the risk.",
            f"{word.zh}：{is_.zh}（典型值{usual.zh}），风险因此{'上升' if raises else '下降'}。",
        ),
    )
