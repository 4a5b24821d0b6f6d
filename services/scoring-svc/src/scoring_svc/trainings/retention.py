"""Do a training: read the book at its cuts, fit and back-test off the event loop, keep the version with its card."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import numpy as np
import structlog
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging.failures import describe
from guanxi_common.set_aside import try_each

from scoring_svc.background import off_the_loop
from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import (
    NO_ENGAGEMENT,
    Engagement,
    Example,
    FeatureStandard,
    Label,
    LabelRules,
    features_of,
    labels_of,
)
from scoring_svc.holdings import repository as holdings
from scoring_svc.holdings.policy import Holding, closings
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.lifetime import bgnbd
from scoring_svc.lifetime.bgnbd import Predictor
from scoring_svc.lifetime.fit import FitRefused
from scoring_svc.lifetime.sufficient import compress
from scoring_svc.method import Method
from scoring_svc.register import artefacts
from scoring_svc.register import repository as register
from scoring_svc.register.policy import State
from scoring_svc.register.repository import ModelVersion, Step
from scoring_svc.retention.card import card_of
from scoring_svc.retention.trained import predictor_of, rhythm_of
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.training.distributions import Distribution
from scoring_svc.training.estimators import Kind, KindUnavailable
from scoring_svc.training.fitting import Fitted, back_test_of, fit
from scoring_svc.training.table import InvalidFile
from scoring_svc.trainings.errors import TrainingRefused
from scoring_svc.trainings.repository import Training

log = structlog.get_logger(__name__)

T = TypeVar("T")

CHUNK: Final = 1_000
MAX_CUSTOMERS: Final = 20_000
"""A larger book is trained on a sample, the same for the same day: beyond it a model of seventy columns gains nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A training's request, parsed. `label`: of `features.policy.Label`, or `TAKES_UP`."""

    kind: Kind
    label: str
    train_cuts: tuple[date, ...]
    test_cut: date | None
    rules: LabelRules

    @property
    def cuts(self) -> tuple[date, ...]:
        return (*self.train_cuts, *((self.test_cut,) if self.test_cut else ()))

    @property
    def until(self) -> date:
        return max(self.cuts) + timedelta(days=self.rules.horizon_days)


def plan_of(request: Mapping[str, Any], rules: LabelRules) -> Plan:
    return Plan(
        Kind(request["kind"]),
        request["label"],
        tuple(sorted(date.fromisoformat(cut) for cut in request["train_cuts"])),
        date.fromisoformat(request["test_cut"]) if request["test_cut"] else None,
        replace(rules, horizon_days=request["horizon_days"]),
    )


async def do_training(uow: UnitOfWork, method: Method, training: Training, now: datetime) -> Mapping[str, Any]:
    """Do a training in its operation's step; returns its result. Raises `TrainingRefused`."""
    plan = plan_of(training.request, method[FeatureStandard].labels)
    try:
        rhythm = await _fit_rhythm(uow, method, plan.train_cuts[0])
        examples = await _read_examples(uow, method, plan, predictor_of(rhythm))
        earlier = [one for one in examples if one.cut in plan.train_cuts]
        later = [one for one in examples if one.cut == plan.test_cut]
        left_out = method[FeatureStandard].left_out
        fitted = await off_the_loop(uow, lambda: fit(plan.kind, earlier, later, left_out))
    except (InvalidFile, KindUnavailable) as error:
        raise TrainingRefused(error) from error
    described = _describe(method, plan, rhythm, earlier, fitted)
    card = partial(card_of, training=described, fitted=fitted, standard=method[FeatureStandard])
    return await keep(uow, training, Trained(plan, described, fitted, card), now)


async def _fit_rhythm(uow: UnitOfWork, method: Method, cut: date) -> Mapping[str, float] | None:
    """BG/NBD on what was to be seen at the first cut; None where the fit is refused."""

    def rhythms(days: Mapping[UUID, Sequence[DailyActivity]]) -> list[tuple[int, int, int]]:
        histories = (history_of(rows, method[ActivityClasses], cut) for rows in days.values())
        acting = (list(history.acts) for history in histories if history and history.acts)
        return [(len(acts) - 1, (acts[-1] - acts[0]).days, (cut - acts[0]).days) for acts in acting]

    async def read(customer_ids: Sequence[UUID]) -> list[tuple[int, int, int]]:
        days = await ledger.read_days(uow, customer_ids, until=cut)
        return await off_the_loop(uow, partial(rhythms, days))

    columns = await read_sample(uow, cut, read)
    if not columns:
        return None
    frequency, recency, age = np.array(columns, dtype=np.int64).T
    fitted = await off_the_loop(uow, lambda: bgnbd.fit(compress(frequency, recency, age)))
    if isinstance(fitted, FitRefused):
        return None
    found = fitted.parameters
    return {"r": float(found.r), "alpha": float(found.alpha), "a": float(found.a), "b": float(found.b)}


async def _read_examples(uow: UnitOfWork, method: Method, plan: Plan, rhythm: Predictor | None) -> list[Example]:
    """In the order of cuts and customers."""

    async def read(customer_ids: Sequence[UUID]) -> list[Example]:
        days = await ledger.read_days(uow, customer_ids, until=plan.until)
        engagement = await engagements.read_engagement(uow, customer_ids)
        held = await holdings.read_holdings(uow, customer_ids)
        return await off_the_loop(uow, partial(_examples, method, plan, rhythm, days, engagement, held))

    return sorted(await read_sample(uow, max(plan.cuts), read), key=lambda one: one.cut)


def _examples(
    method: Method,
    plan: Plan,
    rhythm: Predictor | None,
    days: Mapping[UUID, Sequence[DailyActivity]],
    told: Mapping[UUID, Engagement],
    held: Mapping[UUID, Sequence[Holding]],
) -> list[Example]:
    return [
        example
        for customer_id, rows in days.items()
        for example in examples_of(method, plan, rows, rhythm, told.get(customer_id, NO_ENGAGEMENT), held.get(customer_id, ()))
    ]


def examples_of(
    method: Method,
    plan: Plan,
    days: Sequence[DailyActivity],
    rhythm: Predictor | None,
    told: Engagement,
    held: Sequence[Holding] = (),
) -> list[Example]:
    """One customer at every cut at which the history is long enough and the label is known. Pure."""
    examples = []
    for cut in plan.cuts:
        history = history_of(days, method[ActivityClasses], cut)
        if history is None or (cut - history.first_day).days < method[FeatureStandard].min_history_days:
            continue
        closed_on = closings(held, cut)
        labels = labels_of(days, method[ActivityClasses], cut, plan.rules, method[SignalStandard], closed_on=closed_on)
        outcome = labels[Label(plan.label)] if labels else None
        features = features_of(
            days,
            method[ActivityClasses],
            cut,
            method[SignalStandard],
            history=history,
            rhythm=rhythm_of(rhythm, history),
            engagement=told,
        )
        if outcome is not None and features is not None:
            examples.append(Example(cut, history.currency, features, outcome))
    return examples


async def read_sample(uow: UnitOfWork, day: date, read: Callable[[Sequence[UUID]], Awaitable[Sequence[T]]]) -> list[T]:
    """What `read` gives of the customers of the sample, chunk by chunk. Who cannot be read is left out, and stops no training."""
    found: list[T] = []

    async def extend(customer_ids: Sequence[UUID]) -> None:
        found.extend(await read(customer_ids))

    for chunk in await sample(uow, day):
        for customer_id, error in (await try_each(uow, chunk, extend)).items():
            log.warning("left_out_of_training", customer_id=str(customer_id), error=describe(error))
    return found


async def sample(uow: UnitOfWork, cut: date) -> list[list[UUID]]:
    """Customers with a posting by the cut, in chunks; a sample that depends on nothing but their ids."""
    rows = await uow.driver.fetch(
        "SELECT customer_id FROM (SELECT DISTINCT customer_id FROM daily_activity WHERE booked_on <= $1) known"
        " ORDER BY md5(customer_id::text) LIMIT $2",
        cut,
        MAX_CUSTOMERS,
    )
    ids = sorted(row[0] for row in rows)
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training. `described`: what the version says of it; `card` makes the model card of a title."""

    plan: Plan
    described: Mapping[str, Any]
    fitted: Fitted
    card: Callable[[str], str]


async def keep(uow: UnitOfWork, training: Training, trained: Trained, now: datetime) -> Mapping[str, Any]:
    """Keep the version, and return the result of its training: a candidate, and back-tested where the back-test could be held."""
    fitted = trained.fitted
    await register.lock_name(uow, training.name)
    number = await register.next_number(uow, training.name)
    artefact = artefacts.pack(fitted.model)
    judged = fitted.judgement
    back_test = back_test_of(judged, fitted.model.encoder.names) if judged else None
    version = ModelVersion(
        new_id(),
        training.name,
        number,
        trained.plan.kind.value,
        State.CANDIDATE,
        training.requested_by,
        now,
        trained.described,
        back_test,
        artefact.digest,
    )
    distributions = {
        "score": _text(fitted.score),
        "features": {name: _text(distribution) for name, distribution in fitted.features.items()},
    }
    await register.insert_version(uow, version, trained.card(f"{training.name}-{number}"), artefact, distributions)
    begun = Step(None, State.CANDIDATE, training.requested_by, now, f"training {training.id}")
    await register.record_step(uow, version.id, begun)
    if judged:
        tested = Step(State.CANDIDATE, State.BACK_TESTED, "system:do-model-training", now, judged.protocol)
        await register.record_step(uow, version.id, tested)
    return {"model_id": str(version.id), "refusal": None}


def _describe(
    method: Method, plan: Plan, rhythm: Mapping[str, float] | None, examples: Sequence[Example], fitted: Fitted
) -> dict[str, Any]:
    return {
        "label": plan.label,
        "horizon_days": plan.rules.horizon_days,
        "train_cuts": [cut.isoformat() for cut in plan.train_cuts],
        "test_cut": plan.test_cut.isoformat() if plan.test_cut else None,
        "rows": fitted.model.rows,
        "positives": fitted.model.positives,
        "currencies": sorted({one.currency for one in examples}),
        "min_history_days": method[FeatureStandard].min_history_days,
        "features": list(fitted.model.encoder.names),
        "left_out": list(method[FeatureStandard].left_out),
        "rhythm": dict(rhythm) if rhythm else None,
        "features_version": method[FeatureStandard].version,
        "signals_version": method[SignalStandard].version,
        "classes_version": method[ActivityClasses].version,
        "refusal_of_back_test": fitted.no_judgement,
    }


def _text(distribution: Distribution) -> dict[str, Any]:
    return {"edges": list(distribution.edges), "shares": list(distribution.shares), "rows": distribution.rows}
