"""How far the book has moved from what a version in use was trained on (S6): PSI of the score and of each feature, once a day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.telemetry.metrics import MODEL_DRIFT

from scoring_svc.background import off_the_loop
from scoring_svc.features import repository as feature_store
from scoring_svc.features.policy import NO_ENGAGEMENT, Engagement, Features, features_of
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.policy import DailyActivity
from scoring_svc.models import repository
from scoring_svc.models.artefacts import RETENTION, load_retention
from scoring_svc.models.policy import Distribution, State, population_stability
from scoring_svc.models.repository import Drift, ModelVersion
from scoring_svc.retention.trained import TrainedRetention, matrix_of, rhythm_of
from scoring_svc.scores.checks import FROM
from scoring_svc.scores.policy import history_of
from scoring_svc.scores.service import Method
from scoring_svc.training.table import Table

SAMPLE: Final = 2_000
CHUNK: Final = 500


async def measure_drift(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Measure the versions in use that were not measured on this business date, and tell Prometheus the latest of each.

    Due from two o'clock local time. Returns how many versions were measured.
    """
    local = now.astimezone(ZoneInfo(method.calendar.zone))
    in_use = await repository.read_in_use(uow, RETENTION)
    measured = 0
    for version in in_use.values():
        if local.time() >= FROM and await repository.begin_drift(uow, version.id, local.date()):
            measured += await _measure(uow, method, version, in_use.get(State.CHALLENGER), local.date())
    latest = {
        f"{version.name}-{version.number}": found[0].result
        for version in in_use.values()
        if (found := await repository.list_drift(uow, version.id, 1))
    }
    uow.after_commit(partial(_tell, latest))
    return measured


async def _measure(uow: UnitOfWork, method: Method, version: ModelVersion, challenger: ModelVersion | None, day: date) -> int:
    model = await load_retention(uow, version)
    reference = await repository.read_distributions(uow, version.id)
    found: list[Features] = []
    ids = await repository.sample_customers(uow, day, SAMPLE)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        days = await ledger.read_days(uow, chunk, until=day)
        told = await feature_store.read_engagement(uow, chunk)
        found += await off_the_loop(uow, partial(_features, method, model, days, told, day))
    if not found:
        return 0
    result = await off_the_loop(uow, partial(figures, method, model, reference, found))
    beside = challenger and version.state is State.ACTIVE
    compared = (
        await repository.compare_with_challenger(uow, f"{RETENTION}-{challenger.number}") if beside and challenger else None
    )
    await repository.insert_drift(uow, Drift(version.id, day, len(found), {**result, "comparison": compared}))
    return 1


def figures(method: Method, model: TrainedRetention, reference: Mapping[str, Any], found: Sequence[Features]) -> dict[str, Any]:
    """PSI of the score and, from the largest down, of each feature. Pure."""
    names = model.model.encoder.names
    columns = matrix_of(found, names)
    parts = [(population_stability(Distribution.parse(reference["features"][name]), columns[name]), name) for name in names]
    probability = model.model.probability(Table(columns))
    words = method.features.word
    return {
        "score_psi": round(population_stability(Distribution.parse(reference["score"]), np.asarray(probability)), 6),
        "features": [
            {"feature": name, "en": words(name).en, "zh": words(name).zh, "psi": round(psi, 6)}
            for psi, name in sorted(parts, key=lambda part: (-part[0], part[1]))
        ],
    }


def _features(
    method: Method,
    model: TrainedRetention,
    days: Mapping[UUID, Sequence[DailyActivity]],
    told: Mapping[UUID, Engagement],
    day: date,
) -> list[Features]:
    """Of the customers that the version applies to."""
    found = []
    for customer_id, rows in days.items():
        history = history_of(rows, method.classes, day)
        if history is None or not model.applies(history):
            continue
        rhythm = rhythm_of(model.rhythm, history)
        engagement = told.get(customer_id, NO_ENGAGEMENT)
        features = features_of(rows, method.classes, day, method.signals, history=history, rhythm=rhythm, engagement=engagement)
        if features is not None:
            found.append(features)
    return found


async def _tell(latest: Mapping[str, Mapping[str, Any]]) -> None:
    """Versions no longer in use are told no more."""
    MODEL_DRIFT.clear()
    for model, result in latest.items():
        MODEL_DRIFT.labels(model, "score").set(result["score_psi"])
        for part in result["features"]:
            MODEL_DRIFT.labels(model, part["feature"]).set(part["psi"])
