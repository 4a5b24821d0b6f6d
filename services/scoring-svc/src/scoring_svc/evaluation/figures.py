"""One line of the evaluation: our figure beside the reference, the baseline, and the verdict of the gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict
from scipy.stats import rankdata

from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import NORMAL_95, CalibrationBin, Estimate, Outcomes
from scoring_svc.training.table import Floats

ROUNDING: Final = 1e-9


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Data):
    """What another reached. With `gate`, ours may not lie further below it than the tolerance."""

    value: float
    gate: bool = False


class Baseline(_Data):
    """The columns that a logistic model of little effort takes."""

    name: str
    columns: tuple[str, ...]


class TaskReference(_Data):
    title: str
    baseline: Baseline
    auc: Mapping[Kind, Reference]
    pooled_auc: Mapping[Kind, Reference] = {}
    average_precision: Mapping[Kind, Reference] = {}


class LifetimeReference(_Data):
    """A published figure of CDNOW; `digits` are those given, `tolerance` what ours may differ by."""

    name: str
    value: float
    digits: int
    tolerance: float


class References(_Data):
    version: int
    author: str
    effective_from: date
    reason: str
    tolerance: float
    tasks: Mapping[str, TaskReference]
    lifetime: tuple[LifetimeReference, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """`holds` is None where nothing is gated. `lift` is ours less the baseline's on the same rows, with its interval."""

    task: str
    title: str
    protocol: str
    model: str
    measure: str
    rows: int
    positives: int
    ours: Estimate
    reference: float | None
    baseline: str
    baseline_value: float | None
    lift: Estimate | None
    holds: bool | None

    @property
    def above(self) -> float | None:
        return None if self.reference is None else self.ours.value - self.reference


@dataclass(frozen=True, slots=True)
class Curve:
    """Predicted against observed on rows not seen."""

    task: str
    title: str
    model: str
    bins: tuple[CalibrationBin, ...]
    error: float
    brier: float


@dataclass(frozen=True, slots=True)
class Check:
    """A published figure that must come out to the digits given, within `tolerance`."""

    name: str
    ours: float
    reference: float
    tolerance: float
    digits: int

    @property
    def holds(self) -> bool:
        return abs(self.ours - self.reference) <= self.tolerance + ROUNDING


@lru_cache
def references() -> References:
    return References.model_validate(yaml.safe_load(files(__package__).joinpath("references.yaml").read_text(encoding="utf-8")))


def holds(value: float, reference: Reference | None) -> bool | None:
    """Whether the gate holds; None where the figure is only reported."""
    if reference is None or not reference.gate:
        return None
    return value >= reference.value - references().tolerance


def auc_lift(outcome: Outcomes, ours: Floats, baseline: Floats) -> Estimate:
    """The difference of two AUCs on the same rows (E. R. DeLong et al., Biometrics 44, 1988, with their covariance)."""
    (above, below), (other_above, other_below) = _components(outcome, ours), _components(outcome, baseline)
    positive, negative = above - other_above, below - other_below
    reach = NORMAL_95 * float(np.sqrt(positive.var(ddof=1) / positive.size + negative.var(ddof=1) / negative.size))
    difference = float(positive.mean())
    return Estimate(difference, difference - reach, difference + reach)


def _components(outcome: Outcomes, score: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives that it beats, for each negative the share of positives that beat it."""
    both = rankdata(score)
    positive, negative = score[outcome], score[~outcome]
    return (both[outcome] - rankdata(positive)) / negative.size, 1 - (both[~outcome] - rankdata(negative)) / positive.size
