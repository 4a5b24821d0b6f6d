"""How far the book has moved from what a version in use was trained on (S6): PSI of the score and of each feature, once a day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from guanxi_common import set_aside
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text
from guanxi_common.messaging.failures import describe
from guanxi_common.set_aside import USUAL, Patience
from guanxi_common.telemetry.metrics import MODEL_DRIFT

from scoring_svc.background import off_the_loop
from scoring_svc.features.policy import Features, FeatureStandard, features_of
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import Method
from scoring_svc.night import NIGHT_BEGINS
from scoring_svc.products.repository import read_catalogue
from scoring_svc.register import repository as register
from scoring_svc.register.policy import RELATED_SALE, RETENTION, State
from scoring_svc.register.repository import Drift, ModelVersion
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.related_sales.repository import load_propensity
from scoring_svc.retention.repository import load_retention
from scoring_svc.retention.trained import rhythm_of
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.training.applied import Applied, matrix_of
from scoring_svc.training.distributions import Distribution, population_stability
from scoring_svc.training.table import Table
from scoring_svc.trainings import repository
from scoring_svc.trainings.cases import Known, case_at, read_known

SAMPLE: Final = 2_000
CHUNK: Final = 500

log = structlog.get_logger(__name__)


async def measure_drift(uow: UnitOfWork, method: Method, now: datetime, patience: Patience = USUAL) -> int:
    """Measure the versions in use that were not measured on this business date, and tell Prometheus the latest of each.

    Due from two o'clock local time. Returns how many versions were taken. A version that cannot be measured fails alone, and a customer
    of whom the features cannot be had is left out of the sample.
    """
    local = now.astimezone(ZoneInfo(method.calendar.zone))
    in_use = await register.list_in_use(uow)
    passed_over = await set_aside.passed_over(uow, repository.DRIFT_QUEUE, now)

    async def take(only: Sequence[UUID] | None) -> list[ModelVersion]:
        due = [one for one in in_use if str(one.id) not in passed_over and (only is None or one.id in only)]
        return [one for one in due if local.time() >= NIGHT_BEGINS and await repository.begin_drift(uow, one.id, local.date())]

    async def measure(versions: Sequence[ModelVersion]) -> None:
        for version in versions:
            await _measure(uow, method, version, in_use, local.date())

    measured = await set_aside.work_off(
        uow, repository.DRIFT_QUEUE, take, measure, key=lambda one: one.id, now=now, patience=patience
    )
    latest = {
        f"{version.name}-{version.number}": found[0].result
        for version in in_use
        if (found := await register.list_drift(uow, version.id, 1))
    }
    uow.after_commit(partial(_tell, latest))
    return measured


async def _measure(uow: UnitOfWork, method: Method, version: ModelVersion, in_use: Sequence[ModelVersion], day: date) -> None:
    look = await (_retention(uow, method, version) if version.name == RETENTION else _propensity(uow, method, version))
    if look is None:
        return
    reference = await register.read_distributions(uow, version.id)
    found: list[Features] = []
    ids = await repository.sample_customers(uow, day, SAMPLE)

    async def see(customer_ids: Sequence[UUID]) -> None:
        known = await read_known(uow, customer_ids, until=day)
        found.extend(await off_the_loop(uow, partial(_seen, look.of, known, day)))

    for start in range(0, len(ids), CHUNK):
        for customer_id, error in (await set_aside.try_each(uow, ids[start : start + CHUNK], see)).items():
            log.warning("left_out_of_drift", customer_id=str(customer_id), error=describe(error))
    if not found:
        return
    result = await off_the_loop(uow, partial(figures, look, reference, found))
    challenger = next((one for one in in_use if one.name == RETENTION and one.state is State.CHALLENGER), None)
    beside = challenger if version.name == RETENTION and version.state is State.ACTIVE else None
    compared = await repository.compare_with_challenger(uow, f"{RETENTION}-{beside.number}") if beside else None
    await register.insert_drift(uow, Drift(version.id, day, len(found), {**result, "comparison": compared}))


@dataclass(frozen=True, slots=True)
class Look:
    """A version, what it sees of a customer on a day (None for one whom it does not apply to), and the words of its features."""

    model: Applied
    of: Callable[[Known, date], Features | None]
    word: Callable[[str], Text]


async def _retention(uow: UnitOfWork, method: Method, version: ModelVersion) -> Look:
    model = await load_retention(uow, version)

    def of(known: Known, day: date) -> Features | None:
        history = history_of(known.days, method[ActivityClasses], day)
        if history is None or not model.applies(history):
            return None
        rhythm = rhythm_of(model.rhythm, history)
        return features_of(
            known.days,
            method[ActivityClasses],
            day,
            method[SignalStandard],
            history=history,
            rhythm=rhythm,
            engagement=known.engagement,
        )

    return Look(model, of, method[FeatureStandard].word)


async def _propensity(uow: UnitOfWork, method: Method, version: ModelVersion) -> Look | None:
    """None where the product has left the catalogue."""
    model, catalogue = await load_propensity(uow, version), await read_catalogue(uow)
    code = version.name.removeprefix(RELATED_SALE)
    product = next((product for product in catalogue if product.code == code), None)
    if product is None:
        return None

    def of(known: Known, day: date) -> Features | None:
        case = case_at(method, product, catalogue, known, day, 0)
        return case.example.features if case and case.example.currency in model.currencies else None

    return Look(model, of, lambda name: method[PropensityStandard].word(name, method[FeatureStandard]))


def figures(look: Look, reference: Mapping[str, Any], found: Sequence[Features]) -> dict[str, Any]:
    """PSI of the score and, from the largest down, of each feature. Pure."""
    model, words = look.model, look.word
    names = model.model.encoder.names
    columns = matrix_of(found, names)
    parts = [(population_stability(Distribution.parse(reference["features"][name]), columns[name]), name) for name in names]
    probability = model.model.probability(Table(columns))
    return {
        "score_psi": round(population_stability(Distribution.parse(reference["score"]), np.asarray(probability)), 6),
        "features": [
            {"feature": name, "en": words(name).en, "zh": words(name).zh, "psi": round(psi, 6)}
            for psi, name in sorted(parts, key=lambda part: (-part[0], part[1]))
        ],
    }


def _seen(of: Callable[[Known, date], Features | None], known: Sequence[Known], day: date) -> list[Features]:
    found = (of(one, day) for one in known)
    return [features for features in found if features is not None]


async def _tell(latest: Mapping[str, Mapping[str, Any]]) -> None:
    """Versions no longer in use are told no more."""
    MODEL_DRIFT.clear()
    for model, result in latest.items():
        MODEL_DRIFT.labels(model, "score").set(result["score_psi"])
        for part in result["features"]:
            MODEL_DRIFT.labels(model, part["feature"]).set(part["psi"])
