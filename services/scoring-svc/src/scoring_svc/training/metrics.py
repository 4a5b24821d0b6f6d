"""How well scores order and probabilities hold: AUC, average precision, calibration, each with its uncertainty."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from scoring_svc.training.table import Floats

Outcomes = NDArray[np.bool_]
NORMAL_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of neighbouring predictions: their mean, and the share that came true with Wilson's 95 % interval."""

    rows: int
    predicted: float
    observed: Estimate


def auc(outcome: Outcomes, score: Floats) -> float:
    """P(a positive scores above a negative), ties counting half."""
    positives = int(outcome.sum())
    ranks = rankdata(score)
    return float((ranks[outcome].sum() - positives * (positives + 1) / 2) / (positives * (outcome.size - positives)))


def auc_standard_error(outcome: Outcomes, score: Floats) -> float:
    """E. R. DeLong et al., "Comparing the areas under …", Biometrics 44 (1988), 837-845, by ranks."""
    both = rankdata(score)
    positive, negative = score[outcome], score[~outcome]
    m, n = positive.size, negative.size
    above = (both[outcome] - rankdata(positive)) / n
    below = 1 - (both[~outcome] - rankdata(negative)) / m
    return float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def auc_estimate(outcome: Outcomes, score: Floats) -> Estimate:
    return around(auc(outcome, score), auc_standard_error(outcome, score))


def average_precision(outcome: Outcomes, score: Floats) -> float:
    """Σ precision × gain in recall over the distinct scores, from the highest down."""
    return _weighted_average_precision(outcome, score, np.ones(score.size))


def average_precision_standard_error(outcome: Outcomes, score: Floats, *, resamples: int = 400, seed: int = 0) -> float:
    """The standard deviation over bootstrap samples of the rows, reproducible for one `seed`."""
    draws = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        weights = draws.multinomial(outcome.size, np.full(outcome.size, 1 / outcome.size)).astype(np.float64)
        values.append(_weighted_average_precision(outcome, score, weights))
    return float(np.std(values, ddof=1))


def average_precision_estimate(outcome: Outcomes, score: Floats) -> Estimate:
    return around(average_precision(outcome, score), average_precision_standard_error(outcome, score))


def around(value: float, standard_error: float) -> Estimate:
    """The normal interval, kept within 0 and 1."""
    reach = NORMAL_95 * standard_error
    return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0))


def brier(outcome: Outcomes, probability: Floats) -> float:
    return float(np.mean((probability - outcome) ** 2))


def log_loss(outcome: Outcomes, log_odds: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, np.where(outcome, -log_odds, log_odds))))


def calibration(outcome: Outcomes, probability: Floats, *, bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Bins of about equal size in the order of the prediction; equal predictions share a bin, so the order of the rows does not matter."""
    order = np.argsort(probability, kind="stable")
    ends = ends_of_ties(probability[order])
    sizes = [part.size for part in np.array_split(order, bins)]
    borders = np.unique(ends[np.searchsorted(ends, np.cumsum([size for size in sizes if size]) - 1)] + 1)
    parts = [part for part in np.split(order, borders) if part.size]
    return tuple(
        CalibrationBin(part.size, float(probability[part].mean()), wilson(int(outcome[part].sum()), part.size)) for part in parts
    )


def calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """The mean distance between predicted and observed, weighted by rows (expected calibration error)."""
    rows = sum(part.rows for part in bins)
    return sum(part.rows * abs(part.predicted - part.observed.value) for part in bins) / rows


def ends_of_ties(ranked: Floats) -> NDArray[np.int64]:
    """The last row of each run of equal values."""
    return np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))


def wilson(hits: float, rows: float) -> Estimate:
    """A share with Wilson's 95 % interval; counts need not be whole."""
    share, z = hits / rows, NORMAL_95**2 / rows
    middle = (share + z / 2) / (1 + z)
    reach = NORMAL_95 * np.sqrt(share * (1 - share) / rows + z / (4 * rows)) / (1 + z)
    return Estimate(share, max(float(middle - reach), 0.0), min(float(middle + reach), 1.0))


def _weighted_average_precision(outcome: Outcomes, score: Floats, weights: Floats) -> float:
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last_of_tie = ends_of_ties(ranked)
    hits = np.cumsum(weights[order] * outcome[order])[last_of_tie]
    seen = np.cumsum(weights[order])[last_of_tie]
    if hits[-1] == 0:
        return 0.0
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    return float(precision @ np.diff(hits, prepend=0.0) / hits[-1])
