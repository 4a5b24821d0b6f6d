"""Train and back-test a retention model on examples of the bank's own book (S3). Pure; minutes of work: never on the event loop."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit

from scoring_svc.features.policy import Example
from scoring_svc.training.distributions import Distribution, distribution_of
from scoring_svc.training.estimators import Kind
from scoring_svc.training.metrics import Outcomes
from scoring_svc.training.model import Model, train
from scoring_svc.training.table import InvalidFile, Table
from scoring_svc.training.validation import Judgement, judge_folds, judge_predictions, repeated_folds

FOLD_SEEDS: Final = (0, 1)


@dataclass(frozen=True)
class Fitted:
    """A model with its back-test (or why there is none), and how features and score were distributed in training."""

    model: Model
    judgement: Judgement | None
    no_judgement: str | None
    features: Mapping[str, Distribution]
    score: Distribution
    influence: Mapping[str, float]


def fit(kind: Kind, training: Sequence[Example], later: Sequence[Example], left_out: Sequence[str]) -> Fitted:
    """Train on `training`; judge on `later`, or by random folds where there are none.

    Raises `InvalidFile` with too few rows of either outcome, `KindUnavailable` where the kind's library is missing.
    """
    table, outcome = _table(training, left_out), _outcomes(training)
    model = train(table, outcome, kind)
    judgement, refusal = _judge(kind, model, table, outcome, later, left_out)
    seen = {name: table.columns[name] for name in model.encoder.names}
    log_odds = model.log_odds(table)
    parts = np.abs(model.contributions(table)).mean(axis=0)
    order = np.argsort(-parts, kind="stable")
    return Fitted(
        model,
        judgement,
        refusal,
        {name: distribution_of(values) for name, values in seen.items()},
        distribution_of(np.asarray(expit(log_odds), dtype=np.float64)),
        {model.encoder.names[index]: round(float(parts[index]), 4) for index in order},
    )


def _judge(
    kind: Kind, model: Model, table: Table, outcome: Outcomes, later: Sequence[Example], left_out: Sequence[str]
) -> tuple[Judgement | None, str | None]:
    try:
        if later:
            predicted = model.log_odds(_table(later, left_out))
            return judge_predictions(_outcomes(later), predicted, f"out of time, at {later[0].cut}"), None
        return judge_folds(table, outcome, kind, repeated_folds(outcome, seeds=FOLD_SEEDS)), None
    except InvalidFile as error:
        return None, str(error)


def back_test_of(judgement: Judgement, features: Sequence[str]) -> dict[str, Any]:
    """The back-test as it is kept and shown."""
    return {
        "protocol": judgement.protocol,
        "out_of_time": judgement.protocol.startswith("out of time"),
        "rows": judgement.rows,
        "positives": judgement.positives,
        "auc": asdict(judgement.auc),
        "average_precision": asdict(judgement.average_precision),
        "brier": judgement.brier,
        "calibration": [asdict(part) for part in judgement.calibration],
        "features": len(features),
    }


def _table(examples: Sequence[Example], left_out: Sequence[str]) -> Table:
    names = [name for name in examples[0].features if name not in left_out] if examples else []
    return Table({name: np.array([_value(one.features[name]) for one in examples]) for name in names})


def _outcomes(examples: Sequence[Example]) -> Outcomes:
    return np.array([one.outcome for one in examples], dtype=bool)


def _value(value: float | None) -> float:
    return float("nan") if value is None else float(value)
