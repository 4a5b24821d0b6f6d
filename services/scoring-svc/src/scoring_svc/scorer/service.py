"""Score customers in batches when something has changed, raise their signals, tell what is new."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.set_aside import USUAL, Patience, work_off
from guanxi_common.telemetry.traces import continue_trace

from scoring_svc.actions import service as actions
from scoring_svc.actions.policy import ActionStandard
from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import NO_ENGAGEMENT
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import Method
from scoring_svc.queues import planning, rescoring
from scoring_svc.queues.rescoring import Dirty
from scoring_svc.retention.repository import read_retention_models
from scoring_svc.scores import repository
from scoring_svc.scores.events import ScoreUpdated
from scoring_svc.scores.in_force import read_active_models
from scoring_svc.scores.policy import Score
from scoring_svc.scores.repository import Published
from scoring_svc.scores.service import score_customer
from scoring_svc.signals import repository as signal_store
from scoring_svc.signals import service as signals
from scoring_svc.signals.events import SignalReason
from scoring_svc.signals.policy import SignalStandard

SCORER_BATCH = 25
SETTLED_BATCH = 500
FEED_SETTLES = timedelta(seconds=15)
"""Nothing was posted for a customer for so long: what is not there may be taken for absent."""


async def score_dirty_customers(uow: UnitOfWork, method: Method, now: datetime, patience: Patience = USUAL) -> int:
    """Score the next batch of dirty customers, raise their signals, publish what has changed; returns how many were taken.

    A customer who cannot be scored fails alone (see `guanxi_common.set_aside`) and stays dirty.
    """

    async def take(only: Sequence[UUID] | None) -> list[Dirty]:
        return await rescoring.take_dirty(uow, SCORER_BATCH, now, only)

    async def score(dirty: Sequence[Dirty]) -> None:
        await score_taken(uow, method, dirty, now)

    return await work_off(uow, rescoring.QUEUE, take, score, key=lambda one: one.customer_id, now=now, patience=patience)


async def score_taken(uow: UnitOfWork, method: Method, dirty: Sequence[Dirty], now: datetime) -> None:
    """Score customers that this transaction has taken off the queue, in the order of their ids."""
    await repository.share_book(uow)
    ids = [one.customer_id for one in dirty]
    today = method.calendar.local_date(now)
    days = await ledger.read_days(uow, ids, until=today)
    await rescoring.note_postings_ahead(uow, ids, today)
    told = await engagements.read_contacts(uow, ids)
    models = await read_active_models(uow)
    retention = await read_retention_models(uow)
    engagement = await engagements.read_engagement(uow, ids) if retention else {}
    published = await repository.claim_untold(uow, ids)
    raising = signals.Raising(uow, method.calendar, method[SignalStandard], await signal_store.raised_on(uow, ids), now)
    told_until = min(today, await ledger.feed_position(uow))
    scores: list[tuple[Score, CustomerHistory]] = []
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
        await _publish(raising, method, one, scored, published.get(one.customer_id), silent_until)
    if emptied:
        await repository.forget_scores(uow, emptied)
    if scores:
        await repository.store_scores(uow, scores, {one.customer_id for one in dirty if one.settled})
    await repository.note_touched(uow, ids)
    await planning.mark(uow, ids, now)


async def queue_settled_customers(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Queue customers whose silence is to be judged on this business date; returns how many. For the job."""
    return await rescoring.mark_settled(uow, method.calendar.local_date(now), now, now - FEED_SETTLES, SETTLED_BATCH)


async def queue_due_postings(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Queue customers whose posting dated ahead has reached its business date; returns how many. For the job."""
    return await rescoring.mark_due_postings(uow, method.calendar.local_date(now), now, SETTLED_BATCH)


async def _publish(
    raising: signals.Raising,
    method: Method,
    dirty: Dirty,
    scored: tuple[Score, CustomerHistory],
    before: Published | None,
    silent_until: date | None,
) -> None:
    """Append what is new of one customer, in the trace of the event that made it dirty."""
    score, history = scored
    with continue_trace(dirty.traceparent, "score customer"):
        raised = await signals.raise_signals(
            raising, method[ActivityClasses], dirty.customer_id, history, dirty.touched_from, silent_until=silent_until
        )
        await actions.answer_signals(raising.uow, method[ActionStandard], raised, score.as_of, raising.now)
        if before != Published(score.retention.band, score.main_reason_code):
            await outbox.append(raising.uow, updated(score, before))


def updated(score: Score, before: Published | None) -> ScoreUpdated:
    """What is told of a score; `before` is what was told last."""
    main = score.retention.main_reason
    return ScoreUpdated(
        customer_id=score.customer_id,
        score="retention",
        band=score.retention.band,
        previous_band=before.band if before else None,
        value_bp=score.retention.value_bp,
        main_reason=SignalReason(code=main.code, zh=main.text.zh, en=main.text.en) if main else None,
        as_of=score.as_of,
        known_at=score.known_at,
        model_version=str(score.versions),
        bands_version=score.bands_version,
    )
