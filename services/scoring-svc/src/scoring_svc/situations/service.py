"""Read what is known of customers."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.customers import repository as customers
from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import NO_ENGAGEMENT, Engagement, FactKind, features_of
from scoring_svc.holdings import repository as holdings
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.method import Method
from scoring_svc.scores.policy import Score
from scoring_svc.scores.repository import read_scores
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.situations.policy import Complaint, Observed, Situation, SurveyAnswer


async def read_situations(
    uow: UnitOfWork, method: Method, customer_ids: Collection[UUID], today: date, *, observe: bool
) -> dict[UUID, Situation]:
    """What is known of each customer on a business date, in a handful of statements for all; with `observe` also what trained models
    look at."""
    days = await ledger.read_days(uow, customer_ids, until=today) if observe else {}
    facts = await customers.read_facts(uow, customer_ids)
    held = await holdings.read_holdings(uow, customer_ids)
    told = await engagements.read_engagement(uow, customer_ids)
    found: dict[UUID, Situation] = {}
    scores = await read_scores(uow, method, customer_ids)
    for one in customer_ids:
        known = Situation(
            customer_id=one,
            today=today,
            facts=facts.get(one),
            holdings=tuple(held.get(one, ())),
            complaints=_open_complaints(told.get(one)),
            answers=_answers(told.get(one)),
            observed=observed(method, days.get(one, ()), told.get(one, NO_ENGAGEMENT), today),
        )
        found[one] = as_scored(known, scores[one]) if one in scores else known
    return found


def observed(method: Method, days: Sequence[DailyActivity], told: Engagement, on: date) -> Observed | None:
    """What trained models look at; None for a customer without an entry by then. Pure."""
    history = history_of(days, method[ActivityClasses], on)
    seen = (
        features_of(days, method[ActivityClasses], on, method[SignalStandard], history=history, engagement=told)
        if history
        else None
    )
    return Observed(seen, history.currency, (on - history.first_day).days) if history and seen else None


def as_scored(situation: Situation, score: Score) -> Situation:
    """The situation with what the last score says. Pure."""
    return replace(
        situation,
        currency=score.figures.currency,
        balance_minor=score.figures.balance_minor,
        history_days=score.figures.history_days,
        acts_recent=score.figures.acts_recent,
        risk_bp=score.retention.value_bp,
        band=score.retention.band,
        main_reason=score.retention.reasons[0] if score.retention.reasons else None,
    )


def _open_complaints(told: Engagement | None) -> tuple[Complaint, ...]:
    facts = told.facts if told else ()
    resolved = {fact.subject_id for fact in facts if fact.kind is FactKind.COMPLAINT_RESOLVED}
    opened = (fact for fact in facts if fact.kind is FactKind.COMPLAINT_OPENED and fact.subject_id not in resolved)
    return tuple(
        Complaint(fact.subject_id, fact.occurred_on)
        for fact in sorted(opened, key=lambda fact: (fact.occurred_on, fact.subject_id))
    )


def _answers(told: Engagement | None) -> tuple[SurveyAnswer, ...]:
    """In the order of their dates."""
    facts = (fact for fact in (told.facts if told else ()) if fact.kind is FactKind.SURVEY_ANSWERED and fact.value is not None)
    answers = [SurveyAnswer(fact.subject_id, fact.value, fact.occurred_on) for fact in facts if fact.value is not None]
    return tuple(sorted(answers, key=lambda answer: (answer.answered_on, answer.answer_id)))
