"""Score customers: on request as of any date, and in batches when something has changed."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.messaging import outbox
from guanxi_common.security.directory.scope import customer_is_visible
from guanxi_common.security.principal import RowScope
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.telemetry.traces import continue_trace

from scoring_svc.actions import queue
from scoring_svc.actions import service as actions
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.contacts import repository as contacts
from scoring_svc.features import repository as feature_store
from scoring_svc.features.policy import NO_ENGAGEMENT, Engagement, FeatureStandard, features_of
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import CustomerHistory, history_of, rfm_columns
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.method import Method, day_asked
from scoring_svc.models.artefacts import read_retention_models
from scoring_svc.retention.policy import (
    Contact,
    RetentionInputs,
    RetentionRisk,
    RetentionStandard,
    retention_risk,
    with_contacts,
)
from scoring_svc.retention.trained import RULES_ONLY, RetentionModels, TrainedRetention, rhythm_of
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS, RfmBounds, RfmStandard, cell
from scoring_svc.runs import repository as runs
from scoring_svc.runs.repository import ActiveModels
from scoring_svc.scores import policy, repository
from scoring_svc.scores.answers import retention_out, rfm_out
from scoring_svc.scores.events import ScoreUpdated
from scoring_svc.scores.repository import Dirty, Published
from scoring_svc.scores.schemas import ChallengerOut, RetentionInputsOut, RfmOut, ScoreOut
from scoring_svc.signals import repository as signal_store
from scoring_svc.signals import service as signals
from scoring_svc.signals.events import SignalReason
from scoring_svc.signals.policy import SignalStandard

SCORER_BATCH = 25
SETTLED_BATCH = 500
FEED_SETTLES = timedelta(seconds=15)
"""Nothing was posted for a customer for so long: what is not there may be taken for absent."""


async def read_score(
    uow: UnitOfWork,
    scope: RowScope,
    method: Method,
    customer_id: UUID,
    now: datetime,
    *,
    as_of: date | None,
    known_at: datetime | None,
) -> ScoreOut:
    """The score on a business date (default: today), by what was known at an instant (default: now).

    `as_of` and `known_at` move the data, not the method: standards, bands and models are those in force now, and `model_version` and
    `bands_version` name them.

    Raises `NotFound` for a customer out of scope, and for one without an entry by then; `InvalidInput` for what is to come.
    """
    if not await customer_is_visible(uow, scope, customer_id, now):
        raise NotFound
    day = day_asked(method, now, as_of, known_at)
    if known_at is None:
        days = await ledger.read_days(uow, [customer_id], until=day)
    else:
        days = await ledger.read_days_known_at(uow, [customer_id], until=day, known_at=known_at)
    told = await contacts.read_contacts(uow, [customer_id], known_at)
    models = await runs.read_active_models(uow)
    retention = await read_retention_models(uow)
    engagement = await feature_store.read_engagement(uow, [customer_id], known_at) if retention else {}
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
) -> tuple[ScoreOut, CustomerHistory] | None:
    """The score of one customer, or None without an entry by `as_of`. Pure."""
    history = history_of(days, method[ActivityClasses], as_of)
    if history is None:
        return None
    bounds = method[RfmStandard].bounds_in_force(history.currency, models.rfm_bounds)
    lifetime = models.lifetime(history)
    inputs = policy.retention_inputs(history, told, method[SignalStandard], lifetime.p_alive_bp)
    rules = f"retention-rules-{method[RetentionStandard].version}"
    trained = _apply(retention.active, method, days, history, engagement, inputs)
    challenger = _apply(retention.challenger, method, days, history, engagement, inputs)
    risk = trained or retention_risk(inputs, method[RetentionStandard])
    version = f"{retention.active.version}+{rules}" if trained and retention.active else rules
    score = ScoreOut(
        customer_id=customer_id,
        as_of=as_of,
        known_at=known_at,
        model_version=f"{version}+{models.version}",
        bands_version=bounds.origin if bounds else "none",
        retention=retention_out(risk),
        inputs=_inputs_out(inputs, history),
        rfm=_rfm_out(method[RfmStandard], bounds, history),
        lifetime=lifetime,
        challenger=_challenger_out(retention.challenger, challenger),
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


async def score_dirty_customers(uow: UnitOfWork, method: Method, now: datetime, patience: Patience = USUAL) -> int:
    """Score the next batch of dirty customers, raise their signals, publish what has changed; returns how many were taken.

    A customer who cannot be scored fails alone (see `guanxi_common.set_aside`) and stays dirty.
    """

    async def take(only: Sequence[UUID] | None) -> list[Dirty]:
        return await repository.take_dirty(uow, SCORER_BATCH, now, only)

    async def score(dirty: Sequence[Dirty]) -> None:
        await score_taken(uow, method, dirty, now)

    return await work_off(uow, repository.QUEUE, take, score, key=lambda one: one.customer_id, now=now, patience=patience)


async def score_taken(uow: UnitOfWork, method: Method, dirty: Sequence[Dirty], now: datetime) -> None:
    """Score customers that this transaction has taken off the queue, in the order of their ids."""
    await repository.share_book(uow)
    ids = [one.customer_id for one in dirty]
    today = method.calendar.local_date(now)
    days = await ledger.read_days(uow, ids, until=today)
    await repository.note_postings_ahead(uow, ids, today)
    told = await contacts.read_contacts(uow, ids)
    models = await runs.read_active_models(uow)
    retention = await read_retention_models(uow)
    engagement = await feature_store.read_engagement(uow, ids) if retention else {}
    published = await repository.take_published(uow, ids)
    raised_on = await signal_store.raised_on(uow, ids)
    told_until = min(today, await ledger.feed_position(uow))
    scores: list[tuple[ScoreOut, CustomerHistory]] = []
    emptied: list[UUID] = []
    for one in dirty:
        scored = score_customer(
            method,
            models,
            one.customer_id,
            days.get(one.customer_id, []),
            told.get(one.customer_id, []),
            today,
            now,
            retention=retention,
            engagement=engagement.get(one.customer_id, NO_ENGAGEMENT),
        )
        if scored is None:
            emptied.append(one.customer_id)
            continue
        scores.append(scored)
        silent_until = told_until if one.settled else None
        await _publish(uow, method, one, *scored, published.get(one.customer_id), raised_on, silent_until, now)
    if emptied:
        await repository.forget_scores(uow, emptied)
    if scores:
        await repository.store_scores(uow, scores, {one.customer_id for one in dirty if one.settled})
    await repository.tell_run(uow, ids)
    await queue.mark(uow, ids, now)


async def queue_settled_customers(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Queue customers whose silence is to be judged on this business date; returns how many. For the job."""
    return await repository.mark_settled(uow, method.calendar.local_date(now), now, now - FEED_SETTLES, SETTLED_BATCH)


async def queue_due_postings(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Queue customers whose posting dated ahead has reached its business date; returns how many. For the job."""
    return await repository.mark_due_postings(uow, method.calendar.local_date(now), now, SETTLED_BATCH)


async def _publish(
    uow: UnitOfWork,
    method: Method,
    dirty: Dirty,
    score: ScoreOut,
    history: CustomerHistory,
    before: Published | None,
    raised_on: signals.RaisedOn,
    silent_until: date | None,
    now: datetime,
) -> None:
    """Append what is new of one customer, in the trace of the event that made it dirty."""
    with continue_trace(dirty.traceparent, "score customer"):
        raised = await signals.raise_signals(
            uow,
            method.calendar,
            method[ActivityClasses],
            method[SignalStandard],
            dirty.customer_id,
            history,
            dirty.touched_from,
            raised_on,
            now,
            silent_until=silent_until,
        )
        await actions.answer_signals(uow, method[ActionStandard], raised, score.as_of, now)
        main_reason = repository.main_reason_code(score)
        if before is None or (before.band, before.main_reason) != (score.retention.band, main_reason):
            await outbox.append(uow, updated(score, before))


def updated(score: ScoreOut, before: Published | None) -> ScoreUpdated:
    """What is told of a score; `before` is what was told last."""
    has_reason = repository.main_reason_code(score) is not None
    first = score.retention.reasons[0] if has_reason else None
    return ScoreUpdated(
        customer_id=score.customer_id,
        score="retention",
        band=score.retention.band,
        previous_band=before.band if before else None,
        value_bp=score.retention.value_bp,
        main_reason=SignalReason(code=first.code, zh=first.zh, en=first.en) if first else None,
        as_of=score.as_of,
        known_at=score.known_at,
        model_version=score.model_version,
        bands_version=score.bands_version,
    )


def _challenger_out(model: TrainedRetention | None, risk: RetentionRisk | None) -> ChallengerOut | None:
    return ChallengerOut(model_version=model.version, value_bp=risk.value_bp, band=risk.band) if model and risk else None


def _inputs_out(inputs: RetentionInputs, history: CustomerHistory) -> RetentionInputsOut:
    return RetentionInputsOut(
        currency=inputs.currency,
        other_currencies=list(history.other_currencies),
        history_days=inputs.history_days,
        acts_recent=inputs.acts_recent,
        acts_before=inputs.acts_before,
        silent_days=inputs.silent_days,
        balance_minor=inputs.balance_minor,
        median_balance_minor=inputs.median_balance_minor,
        outflow_minor=inputs.outflow_minor,
        inflow_minor=inputs.inflow_minor,
        income_overdue_days=inputs.income_overdue_days,
        p_alive_bp=inputs.p_alive_bp,
    )


def _rfm_out(standard: RfmStandard, bounds: RfmBounds | None, history: CustomerHistory) -> RfmOut:
    recency, frequency, monetary = rfm_columns(history, RFM_WINDOW_DAYS)
    return rfm_out(standard, cell(bounds, recency, frequency, monetary) if bounds else None, recency, frequency, monetary)
