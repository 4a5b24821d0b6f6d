"""Run the evaluation: every task with every kind of model and its baseline, and the lifetime tables."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from scoring_svc.evaluation.figures import Check, Curve, Figure, Reference, TaskReference, auc_lift, holds, references
from scoring_svc.evaluation.lifetime import check_lifetime
from scoring_svc.evaluation.sources import Sources
from scoring_svc.evaluation.tasks import BUILDERS, Task, task
from scoring_svc.training import metrics
from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import Estimate, Outcomes
from scoring_svc.training.table import Floats, Table
from scoring_svc.training.validation import Judgement, judge_folds, judge_predictions, predict_split

KINDS: Final = (Kind.LOGISTIC, Kind.BOOSTED_TREES)
SEEDS: Final = 5
QUICK_TASKS: Final = ("berka_card", "berka_loan", "berka_card_later", "berka_loan_later")
QUICK_KINDS: Final = (Kind.LOGISTIC,)

Advance = Callable[[str], None]
"""Called with the task's name once for every finished fit."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    quick: bool
    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...]
    checks: tuple[Check, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The titles of the tasks that have no figure yet."""
        run = {figure.task for figure in self.figures}
        return tuple(references().tasks[name].title for name in BUILDERS if name not in run)

    @property
    def failed(self) -> tuple[str, ...]:
        """The gates that do not hold."""
        gates = [f"{f.title}, {f.model}, {f.measure}" for f in self.figures if f.holds is False]
        return (*gates, *(check.name for check in self.checks if not check.holds))


@dataclass(frozen=True, slots=True)
class _Judged:
    """`windows` are the judgements of each step in time, oldest first; empty for folds."""

    whole: Judgement
    windows: tuple[Judgement, ...]
    outcome: Outcomes


def evaluate(
    sources: Sources,
    *,
    quick: bool,
    seeds: int = SEEDS,
    executor: Executor | None,
    advance: Advance,
    done: Callable[[Evaluation], None] = lambda _: None,
) -> Evaluation:
    """Deterministic. `quick`: one seed, the logistic model, the tasks that take seconds. Raises where a data file is missing.

    `done` gets what there is after each task, so that a run that is stopped leaves what it found.
    """
    checks = check_lifetime(sources)
    found = Evaluation(quick, (), (), checks)
    for name, drawn, kinds in plan(quick, seeds):
        figures, curves = _evaluate_task(name, task(sources, name, drawn), kinds, executor, advance)
        found = Evaluation(quick, (*found.figures, *figures), (*found.curves, *curves), checks)
        done(found)
    return found


def plan(quick: bool, seeds: int = SEEDS) -> tuple[tuple[str, int, tuple[Kind, ...]], ...]:
    """Tasks with their seeds and kinds of model."""
    return tuple((name, 1, QUICK_KINDS) if quick else (name, seeds, KINDS) for name in (QUICK_TASKS if quick else BUILDERS))


def fits(sources: Sources, quick: bool, seeds: int = SEEDS) -> int:
    """How often `advance` will be called."""
    return sum(len(task(sources, name, drawn).splits) * (len(kinds) + 1) for name, drawn, kinds in plan(quick, seeds))


def _evaluate_task(
    name: str, what: Task, kinds: tuple[Kind, ...], executor: Executor | None, advance: Advance
) -> tuple[list[Figure], list[Curve]]:
    reference = references().tasks[name]
    columns = Table({column: what.table.columns[column] for column in reference.baseline.columns})
    baseline = _judge(columns, what, Kind.LOGISTIC, executor, lambda: advance(name))
    figures, curves = [], []
    for kind in kinds:
        ours = _judge(what.table, what, kind, executor, lambda: advance(name))
        figures += _figures(name, reference, what.protocol, kind, ours, baseline)
        probability = np.asarray(expit(ours.whole.log_odds), dtype=np.float64)
        bins = metrics.calibration(ours.outcome, probability)
        error = metrics.calibration_error(bins)
        curves.append(Curve(name, reference.title, kind.value, bins, error, ours.whole.brier))
    return figures, curves


def _judge(table: Table, what: Task, kind: Kind, executor: Executor | None, advance: Callable[[], None]) -> _Judged:
    if not what.windows:
        judged = judge_folds(table, what.outcome, kind, what.splits, executor=executor, advance=advance)
        return _Judged(judged, (), what.outcome)
    predictions: list[Floats] = []
    calls = [(table, what.outcome, kind, split) for split in what.splits]
    if executor is None:
        results = (predict_split(*call) for call in calls)
    else:
        results = (future.result() for future in [executor.submit(predict_split, *call) for call in calls])
    for predicted in results:
        predictions.append(predicted)
        advance()
    outcomes = [what.outcome[split.unseen] for split in what.splits]
    windows = tuple(judge_predictions(o, p, what.protocol) for o, p in zip(outcomes, predictions, strict=True))
    outcome = np.concatenate(outcomes)
    return _Judged(judge_predictions(outcome, np.concatenate(predictions), what.protocol), windows, outcome)


def _figures(name: str, reference: TaskReference, protocol: str, kind: Kind, ours: _Judged, baseline: _Judged) -> list[Figure]:
    """One figure for each measure of the task."""
    lift = auc_lift(ours.outcome, ours.whole.log_odds, baseline.whole.log_odds)
    area, base = ours.whole.auc, baseline.whole.auc.value
    precision, precision_base = ours.whole.average_precision, baseline.whole.average_precision.value
    measures: list[tuple[str, Estimate, Reference | None, float, Estimate | None]] = []
    if len(ours.windows) > 1:
        mean, mean_base = _mean_auc(ours.windows), _mean_auc(baseline.windows).value
        measures.append(("AUC, mean of the windows", mean, reference.auc.get(kind), mean_base, None))
        measures.append(("AUC, windows pooled", area, reference.pooled_auc.get(kind), base, lift))
    else:
        measures.append(("AUC", area, reference.auc.get(kind), base, lift))
    measures.append(("average precision", precision, reference.average_precision.get(kind), precision_base, None))
    return [
        Figure(
            task=name,
            title=reference.title,
            protocol=protocol,
            model=kind.value,
            measure=measure,
            rows=ours.whole.rows,
            positives=ours.whole.positives,
            ours=value,
            reference=None if theirs is None else theirs.value,
            baseline=reference.baseline.name,
            baseline_value=baseline_value,
            lift=difference,
            holds=holds(value.value, theirs),
        )
        for measure, value, theirs, baseline_value, difference in measures
    ]


def _mean_auc(windows: tuple[Judgement, ...]) -> Estimate:
    """The mean over windows of separate rows, so that their variances add."""
    errors = np.array([(window.auc.high - window.auc.value) / metrics.NORMAL_95 for window in windows])
    mean = float(np.mean([window.auc.value for window in windows]))
    return metrics.around(mean, float(np.sqrt((errors**2).sum()) / errors.size))
