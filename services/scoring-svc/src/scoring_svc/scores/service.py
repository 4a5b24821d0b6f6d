"""Score customers: on request as of any date, and in batches when something has changed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.security.directory.scope import customer_is_visible
from guanxi_common.work import Work

from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import NO_ENGAGEMENT, Engagement, FeatureStandard, features_of
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import CustomerHistory, history_of, rfm_columns
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.method import Method, day_asked
from scoring_svc.retention.policy import (
    Code,
    Contact,
    RetentionInputs,
    RetentionRisk,
    RetentionStandard,
    retention_risk,
    with_contacts,
)
from scoring_svc.retention.repository import read_retention_models
from scoring_svc.retention.trained import RULES_ONLY, RetentionModels, TrainedRetention, rhythm_of
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmBounds, RfmStandard, cell
from scoring_svc.scores import policy
from scoring_svc.scores.evidence import read_evidence
from scoring_svc.scores.in_force import ActiveModels, read_active_models
from scoring_svc.scores.policy import Challenger, Rfm, Score
from scoring_svc.scores.versions import Versions
from scoring_svc.signals.policy import SignalStandard


async def read_score(work: Work, method: Method, customer_id: UUID, *, as_of: date | None, known_at: datetime | None) -> Score:
    """The score on a business date (default: today), by what was known at an instant (default: now).

    `as_of` and `known_at` move the data and the standards: those that the day went by, as approved by then. Bands and models are those in
    force now. `model_version` and `bands_version` name them. The reasons of the rules name entries that they rest on; see `evidence`.

    Raises `NotFound` for a customer out of scope, and for one without an entry by then; `InvalidInput` for what is to come.
    """
    uow, now = work.uow, work.now
    if not await customer_is_visible(uow, work.scope, customer_id, now):
        raise NotFound
    day = day_asked(method, now, as_of, known_at)
    method = method.on(day, known_at or now)
    if known_at is None:
        days = await ledger.read_days(uow, [customer_id], until=day)
    else:
        days = await ledger.read_days_known_at(uow, [customer_id], until=day, known_at=known_at)
    told = await engagements.read_contacts(uow, [customer_id], known_at)
    models = await read_active_models(uow)
    retention = await read_retention_models(uow)
    engagement = await engagements.read_engagement(uow, [customer_id], known_at) if retention else {}
    history = history_of(days.get(customer_id, []), method[ActivityClasses], day)
    if history is None:
        raise NotFound
    evidence = await read_evidence(uow, method[ActivityClasses], customer_id, history, known_at or now)
    score = score_customer(
        method,
        models,
        customer_id,
        days.get(customer_id, []),
        told.get(customer_id, []),
        day,
        known_at or now,
        retention=retention,
        engagement=engagement.get(customer_id, NO_ENGAGEMENT),
        evidence=evidence,
    )
    if score is None:
        raise NotFound
    return score[0]


def score_customer(
    method: Method,
    models: ActiveModels,
    customer_id: UUID,
    days: Sequence[DailyActivity],
    told: Sequence[Contact],
    as_of: date,
    known_at: datetime,
    *,
    retention: RetentionModels = RULES_ONLY,
    engagement: Engagement = NO_ENGAGEMENT,
    evidence: Mapping[Code, tuple[str, ...]] = policy.NO_EVIDENCE,
) -> tuple[Score, CustomerHistory] | None:
    """The score of one customer, or None without an entry by `as_of`. Pure."""
    history = history_of(days, method[ActivityClasses], as_of)
    if history is None:
        return None
    bounds = method[RfmStandard].bounds_in_force(history.currency, models.rfm_bounds)
    lifetime = models.lifetime(history)
    inputs = policy.retention_inputs(history, told, method[SignalStandard], lifetime.p_alive_bp, evidence)
    trained = _apply(retention.active, method, days, history, engagement, inputs)
    challenger = _apply(retention.challenger, method, days, history, engagement, inputs)
    risk = trained or retention_risk(inputs, method[RetentionStandard])
    number = retention.active.number if trained and retention.active else None
    score = Score(
        customer_id=customer_id,
        as_of=as_of,
        known_at=known_at,
        versions=Versions(method[RetentionStandard].version, models.model_id, number),
        bands_version=bounds.origin if bounds else "none",
        retention=risk,
        figures=policy.figures_of(inputs, history),
        rfm=_rfm(method[RfmStandard], bounds, history),
        lifetime=lifetime,
        challenger=_challenger(retention.challenger, challenger),
    )
    return score, history


def _apply(
    model: TrainedRetention | None,
    method: Method,
    days: Sequence[DailyActivity],
    history: CustomerHistory,
    engagement: Engagement,
    inputs: RetentionInputs,
) -> RetentionRisk | None:
    """The risk by a trained model, contacts on top; None where there is none, or it was not trained on such customers."""
    if model is None or not model.applies(history):
        return None
    features = features_of(
        days,
        method[ActivityClasses],
        history.as_of,
        method[SignalStandard],
        history=history,
        rhythm=rhythm_of(model.rhythm, history),
        engagement=engagement,
    )
    if features is None:
        return None
    return with_contacts(inputs, method[RetentionStandard], model.concerns(features, method[FeatureStandard], history.currency))


def _challenger(model: TrainedRetention | None, risk: RetentionRisk | None) -> Challenger | None:
    return Challenger(model.version, risk.value_bp, risk.band) if model and risk else None


def _rfm(standard: RfmStandard, bounds: RfmBounds | None, history: CustomerHistory) -> Rfm:
    recency, frequency, monetary = rfm_columns(history, RFM_WINDOW_DAYS)
    number = cell(bounds, recency, frequency, monetary) if bounds else None
    return policy.rfm_of(standard, number, recency, frequency, monetary)
