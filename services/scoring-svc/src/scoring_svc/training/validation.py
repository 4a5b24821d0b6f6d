"""Judging a kind of model on rows it has not seen: repeated folds, or the later part of time."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold

from scoring_svc.training import metrics
from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import CalibrationBin, Estimate, Outcomes
from scoring_svc.training.model import train
from scoring_svc.training.table import Floats, Ints, InvalidFile, Table

T = TypeVar("T")
Advance = Callable[[], None]
"""Called once for every finished fit."""

LATER_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a kind of model achieved on unseen rows. `protocol` says how they were held out; `log_odds` are the predictions."""

    protocol: str
    rows: int
    positives: int
    auc: Estimate
    average_precision: Estimate
    brier: float
    calibration: tuple[CalibrationBin, ...]
    log_odds: Floats

    @property
    def base_rate(self) -> float:
        return self.positives / self.rows


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one fit: `seen` trains, `unseen` is predicted."""

    seen: Ints
    unseen: Ints
    seed: int


def repeated_folds(outcome: Outcomes, *, folds: int = 5, seeds: Iterable[int] = range(5)) -> tuple[Split, ...]:
    """Stratified folds, anew for every seed. Raises `InvalidFile` where an outcome cannot be in every fold."""
    positives = int(outcome.sum())
    if min(positives, outcome.size - positives) < folds:
        raise InvalidFile(f"{positives} of {outcome.size} rows are positive; {folds} folds need {folds} of each outcome")
    empty = np.zeros(outcome.size)
    return tuple(
        Split(seen, unseen, seed)
        for seed in seeds
        for seen, unseen in StratifiedKFold(folds, shuffle=True, random_state=seed).split(empty, outcome)
    )


def out_of_time(day: Ints, *, later_share: float = LATER_SHARE) -> Split:
    """Train on the earlier days, predict the later ones; a day is never cut in two. Raises `InvalidFile` for a single day."""
    boundary = np.quantile(day, 1 - later_share, method="closest_observation")
    boundary = boundary if (day < boundary).any() else boundary + 1
    if not (day >= boundary).any():
        raise InvalidFile("all rows have one date: there is no later part to test on")
    return Split(np.flatnonzero(day < boundary), np.flatnonzero(day >= boundary), 0)


def judge_folds(
    table: Table,
    outcome: Outcomes,
    kind: Kind,
    splits: tuple[Split, ...],
    *,
    executor: Executor | None = None,
    advance: Advance = lambda: None,
) -> Judgement:
    """The mean over the splits' AUC and average precision; intervals from the pooled predictions of each seed.

    A row's prediction is the mean of its log-odds over the seeds. `executor` runs the splits in other processes.
    """
    predictions = _run(executor, predict_split, [(table, outcome, kind, split) for split in splits], advance)
    seeds = list(dict.fromkeys(split.seed for split in splits))
    pooled = np.full((len(seeds), outcome.size), np.nan)
    for split, predicted in zip(splits, predictions, strict=True):
        pooled[seeds.index(split.seed), split.unseen] = predicted
    areas = [metrics.auc(outcome[s.unseen], p) for s, p in zip(splits, predictions, strict=True)]
    precisions = [metrics.average_precision(outcome[s.unseen], p) for s, p in zip(splits, predictions, strict=True)]
    log_odds: Floats = pooled.mean(axis=0)
    protocol = f"{len(splits) // len(seeds)} random folds, {len(seeds)} seeds (not a test over time)"
    return _judgement(
        protocol,
        outcome,
        log_odds,
        metrics.around(float(np.mean(areas)), float(np.mean([metrics.auc_standard_error(outcome, row) for row in pooled]))),
        metrics.around(float(np.mean(precisions)), metrics.average_precision_standard_error(outcome, pooled[0])),
    )


def judge_split(table: Table, outcome: Outcomes, kind: Kind, split: Split, protocol: str) -> Judgement:
    """One fit on the seen rows, judged on the unseen ones."""
    return judge_predictions(outcome[split.unseen], predict_split(table, outcome, kind, split), protocol)


def judge_predictions(outcome: Outcomes, log_odds: Floats, protocol: str) -> Judgement:
    """Judge given predictions, whose rows are independent of the fit. Raises `InvalidFile` where one outcome does not occur."""
    if outcome.all() or not outcome.any():
        raise InvalidFile("the rows held out have one outcome only: nothing can be judged")
    return _judgement(
        protocol,
        outcome,
        log_odds,
        metrics.auc_estimate(outcome, log_odds),
        metrics.average_precision_estimate(outcome, log_odds),
    )


def predict_split(table: Table, outcome: Outcomes, kind: Kind, split: Split) -> Floats:
    """Log-odds of the unseen rows."""
    model = train(table.take(split.seen), outcome[split.seen], kind, seed=split.seed)
    return model.log_odds(table.take(split.unseen))


def _judgement(protocol: str, outcome: Outcomes, log_odds: Floats, auc: Estimate, precision: Estimate) -> Judgement:
    probability = expit(log_odds)
    return Judgement(
        protocol,
        outcome.size,
        int(outcome.sum()),
        auc,
        precision,
        metrics.brier(outcome, probability),
        metrics.calibration(outcome, probability),
        log_odds,
    )


def _run(executor: Executor | None, function: Callable[..., T], calls: list[tuple[object, ...]], advance: Advance) -> list[T]:
    """The results in the order of the calls."""
    if executor is None:
        results = []
        for call in calls:
            results.append(function(*call))
            advance()
        return results
    futures: list[Future[T]] = [executor.submit(function, *call) for call in calls]
    for done in as_completed(futures):
        done.result()
        advance()
    return [future.result() for future in futures]
