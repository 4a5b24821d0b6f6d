"""Look what is to be done next: take customers off the queue, raise what their holdings and answers give, withdraw, choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.set_aside import USUAL, Patience, work_off

from scoring_svc.actions import choice as choosing
from scoring_svc.actions import policy, repository, service
from scoring_svc.actions.candidates import Candidate, Past, candidates
from scoring_svc.actions.choice import Choice, Considered
from scoring_svc.actions.policy import FORMER_KINDS, ActionKind, ActionStandard, Levers
from scoring_svc.actions.repository import Action
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import Method
from scoring_svc.products import repository as products
from scoring_svc.products.policy import Product
from scoring_svc.queues import planning
from scoring_svc.related_sales.policy import Assessment, PropensityModel, RelatedSaleStandard, SaleType, allowed_channels, assess
from scoring_svc.related_sales.service import read_models
from scoring_svc.signals import policy as signal_policy
from scoring_svc.signals import repository as signal_store
from scoring_svc.signals import service as signals
from scoring_svc.signals.policy import Finding, Maturity, SignalStandard
from scoring_svc.situations.policy import Situation
from scoring_svc.situations.service import read_situations

BATCH = 25
MEMORY_DAYS = 400
"""How far back an action bears on the next one; longer than any period, limit or expiry."""


@dataclass(frozen=True, slots=True)
class Round:
    """What all customers of a batch share."""

    today: date
    now: datetime
    catalogue: tuple[Product, ...]
    models: Mapping[str, PropensityModel]
    levers: Levers
    raised_on: signals.RaisedOn
    found_again: "dict[UUID, set[tuple[str, date]]]"


async def plan_due_customers(uow: UnitOfWork, method: Method, now: datetime, patience: Patience = USUAL) -> int:
    """Plan the next batch of the queue; returns how many were taken. Safe to run in several workers, and to be killed anywhere.

    A customer who cannot be planned for fails alone (see `guanxi_common.set_aside`) and stays on the queue.
    """

    async def take(only: Sequence[UUID] | None) -> list[UUID]:
        return await planning.take(uow, BATCH, now, only)

    async def plan(customer_ids: Sequence[UUID]) -> None:
        await _plan_all(uow, method, customer_ids, now)

    return await work_off(uow, planning.QUEUE, take, plan, key=lambda one: one, now=now, patience=patience)


async def _plan_all(uow: UnitOfWork, method: Method, ids: Sequence[UUID], now: datetime) -> None:
    today = method.calendar.local_date(now)
    catalogue = await products.read_catalogue(uow)
    models = await read_models(uow, method, catalogue)
    situations = await read_situations(uow, method, ids, today, observe=bool(models))
    past = await repository.read_past(uow, ids, today - timedelta(days=MEMORY_DAYS))
    answering = [one for one in ids if any(action.is_live and action.evidence.get("signal_ids") for action in past.get(one, ()))]
    shared = Round(
        today,
        now,
        catalogue,
        models,
        await repository.read_levers(uow),
        await signal_store.raised_on(uow, ids),
        await _found_again(uow, method, answering, today),
    )
    for customer_id in ids:
        await _plan(uow, method, shared, situations[customer_id], past.get(customer_id, []))


async def queue_the_day(uow: UnitOfWork, method: Method, now: datetime) -> int:
    """Queue a chunk of the book for today, at most one a call; returns how many. For the job."""
    return await planning.mark_day(uow, method.calendar.local_date(now), now)


async def _plan(uow: UnitOfWork, method: Method, shared: Round, situation: Situation, past: list[Past]) -> None:
    raised = await _raise_signals(uow, method, shared, situation)
    answered = await service.answer_signals(uow, method[ActionStandard], raised, shared.today, shared.now)
    sales = assess(situation, shared.catalogue, method[RelatedSaleStandard], shared.models)
    found = candidates(situation, sales, past, method[ActionStandard])
    standing = await _withdraw(uow, shared, situation, past, found, sales)
    known = [*standing, *(_as_past(action) for action in answered)]
    grounds = choosing.Grounds(situation.customer_id, shared.today, situation.facts, known, shared.levers)
    choice = choosing.choose(grounds, found, method[ActionStandard])
    await service.recommend(uow, [_action(method[ActionStandard], shared, situation, one, choice) for one in choice.chosen])
    await repository.store_plan(uow, situation.customer_id, shared.today, choice)


async def _raise_signals(uow: UnitOfWork, method: Method, shared: Round, situation: Situation) -> list[signal_store.Signal]:
    """Maturities ahead and drops of satisfaction."""
    by_currency: dict[str, list[Finding]] = {}
    for currency, finding in signal_policy.maturities_ahead(shared.today, _maturities(situation), method[SignalStandard]):
        by_currency.setdefault(currency, []).append(finding)
    answers = [(one.answered_on, one.answer_id, one.satisfaction) for one in situation.answers]
    drops = signal_policy.satisfaction_drops(answers, method[SignalStandard])
    by_currency["XXX"] = [one for one in drops if one.business_date >= shared.today - signals.HORIZON]
    raised: list[signal_store.Signal] = []
    raising = signals.Raising(uow, method.calendar, method[SignalStandard], shared.raised_on, shared.now)
    for currency, findings in by_currency.items():
        raised += await signals.raise_findings(raising, situation.customer_id, currency, shared.today, findings)
    return raised


def _maturities(situation: Situation) -> list[Maturity]:
    return [
        Maturity(str(held.account_id), held.currency, held.matures_on, max(held.balance_minor or 0, 0))
        for held in situation.held
        if held.matures_on is not None
    ]


async def _found_again(
    uow: UnitOfWork, method: Method, customer_ids: Sequence[UUID], today: date
) -> dict[UUID, set[tuple[str, date]]]:
    """What the ledger of these customers still gives reason to signal: kinds and business dates."""
    if not customer_ids:
        return {}
    days = await ledger.read_days(uow, customer_ids, until=today)
    silent_until = min(today, await ledger.feed_position(uow))
    found: dict[UUID, set[tuple[str, date]]] = {}
    for customer_id in customer_ids:
        history = history_of(days.get(customer_id, []), method[ActivityClasses], today)
        since = today - signals.HORIZON
        findings = signals.find(history, since, method[SignalStandard], silent_until=silent_until) if history else ()
        found[customer_id] = {(finding.kind.value, finding.business_date) for finding in findings}
    return found


async def _withdraw(
    uow: UnitOfWork,
    shared: Round,
    situation: Situation,
    past: Sequence[Past],
    found: Sequence[Candidate],
    sales: Sequence[Assessment],
) -> list[Past]:
    """Withdraw the live actions whose time or reason has gone; returns the past without them."""
    dates = await signal_store.dates_of(uow, situation.customer_id, [UUID(one) for action in past for one in _signals(action)])
    standing: list[Past] = []
    for action in past:
        reason = _gone(action, shared, situation, found, sales, dates) if action.is_live else None
        if reason is None:
            standing.append(action)
        else:
            await service.withdraw(uow, situation.customer_id, action.action_id, reason, shared.now)
    return standing


def _signals(action: Past) -> list[str]:
    return [str(one) for one in action.evidence.get("signal_ids", ())]


def _gone(
    action: Past,
    shared: Round,
    situation: Situation,
    found: Sequence[Candidate],
    sales: Sequence[Assessment],
    dates: "dict[UUID, tuple[str, date]]",
) -> str | None:
    """Why a live action no longer stands, or None."""
    if action.expires_on < shared.today:
        return "expired"
    if raised := _signals(action):
        told = [dates[UUID(one)] for one in raised if UUID(one) in dates]
        return None if any(_stands(one, shared, situation) for one in told) else "reason_gone"
    if action.kind in FORMER_KINDS:
        return "superseded"
    if action.kind == ActionKind.RELATED_SALE:
        return _sale_gone(action, situation, [one for one in sales if one.product.code == action.product_code])
    if action.kind == ActionKind.SERVICE:  # for a complaint, from the time when scoring recommended what is engagement-svc's now
        still = {complaint.complaint_id for complaint in situation.complaints}
        return None if action.evidence.get("complaint_id") in still else "reason_gone"
    return None if any(one.key == (action.kind, action.reason_code, action.product_code) for one in found) else "reason_gone"


def _sale_gone(action: Past, situation: Situation, sales: Sequence[Assessment]) -> str | None:
    """Why an offer no longer stands, or None. Consent for another channel than the offer's own does not keep it."""
    refusals = {refusal.rule for one in sales for refusal in one.refusals}
    if refusals & {"open_complaint", "vulnerable"}:
        return "hold"
    sold = [one for one in sales if one.type is not SaleType.ACTIVATION]
    if any(action.channel not in allowed_channels(situation.facts, one.product.consent_purpose) for one in sold):
        return "no_consent"
    fits = any(one.type == action.reason_code for one in sales)
    return None if fits and not refusals else "reason_gone"


def _stands(signal: tuple[str, date], shared: Round, situation: Situation) -> bool:
    """Whether the rule would still find the signal; an answer once given stays given."""
    kind, on = signal
    if kind == signal_policy.Kind.SATISFACTION_DROP:
        return True
    if kind == signal_policy.Kind.MATURITY_AHEAD:
        return any(held.matures_on is not None and held.matures_on >= shared.today for held in situation.held)
    return on < shared.today - signals.HORIZON or signal in shared.found_again.get(situation.customer_id, set())


def _as_past(action: Action) -> Past:
    return Past(
        action.action_id,
        action.kind,
        action.reason_code,
        action.product_code,
        action.state,
        action.recommended_on,
        action.expires_on,
        action.evidence,
        action.channel,
    )


def _action(standard: ActionStandard, shared: Round, situation: Situation, one: Considered, choice: Choice) -> Action:
    candidate = one.candidate
    once = candidate.evidence.get("complaint_id") or choosing.period_start(shared.today, standard).isoformat()
    others = [other for other in choice.considered if other is not one and not other.refusals]
    alternatives = [
        {"kind": o.candidate.kind.value, "reason_code": o.candidate.reason_code, "priority_bp": o.priority_bp} for o in others
    ]
    return Action(
        customer_id=situation.customer_id,
        action_id=policy.action_id(
            situation.customer_id, "plan", candidate.kind, candidate.reason_code, candidate.product_code or "", str(once)
        ),
        kind=candidate.kind,
        reason_code=candidate.reason_code,
        reasons=[dict(reason) for reason in candidate.reasons],
        product_code=candidate.product_code,
        channel=one.channel or standard.channels[0],
        content=dict(candidate.content),
        price=dict(candidate.price) if candidate.price else None,
        priority_bp=one.priority_bp,
        value_minor=candidate.value_minor,
        currency=candidate.currency,
        propensity_bp=candidate.propensity_bp,
        chosen_probability_bp=one.probability_bp,
        due_within_hours=standard.due_within_hours[candidate.severity],
        expires_on=shared.today + timedelta(days=standard.expires_after_days[candidate.kind]),
        evidence={"signal_ids": [], "entry_ids": [], **candidate.evidence, "alternatives": alternatives[:5]},
        consent_purpose=candidate.consent_purpose,
        model_version=standard.model_version,
        severity=candidate.severity,
        state="open",
        closed_because=None,
        recommended_at=shared.now,
        recommended_on=shared.today,
        changed_at=shared.now,
    )
