"""Find what is to be signalled in a customer's history, and raise it once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.telemetry.metrics import SIGNALS

from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.scores.policy import CustomerHistory
from scoring_svc.signals import policy, repository
from scoring_svc.signals.events import SignalRaised, SignalReason
from scoring_svc.signals.policy import Finding, Kind, SignalStandard
from scoring_svc.signals.repository import Signal

HORIZON = timedelta(days=30)
"""How far back a late posting is still looked at: what happened before is of no use to anybody."""

RaisedOn = Mapping[tuple[UUID, str, str], Sequence[date]]


def find(
    history: CustomerHistory, touched_from: date, standard: SignalStandard, *, silent_until: date | None
) -> Iterator[Finding]:
    """What the days from `touched_from` on, at most 30 days back, give reason to signal, in the order of their dates; then what
    has stayed away until `silent_until` (None: not asked)."""
    since = max(touched_from, history.as_of - HORIZON)
    for on, flow in history.flows.items():
        if on < since:
            continue
        before = [other for other in history.flows.values() if other.day < on]
        found = [
            policy.large_flow(Kind.LARGE_OUTFLOW, flow, before, history.currency, standard),
            policy.large_flow(Kind.LARGE_INFLOW, flow, before, history.currency, standard),
            policy.first_large_deposit(
                flow, max((other.inflow_minor for other in before), default=0), history.currency, standard
            ),
        ]
        reference = history.median_balance(on - timedelta(days=1))
        if flow.outflow_minor and reference is not None:
            found.append(policy.balance_drop(on, history.balance_on(on), reference, history.currency, standard))
        yield from (finding for finding in found if finding)
    if silent_until is None:
        return
    for finding in (
        policy.dormancy(silent_until, history.acts, standard),
        policy.salary_stopped(silent_until, history.income_days, standard),
    ):
        if finding and finding.business_date >= history.as_of - HORIZON:
            yield finding


async def raise_signals(
    uow: UnitOfWork,
    calendar: BusinessCalendar,
    classes: ActivityClasses,
    standard: SignalStandard,
    customer_id: UUID,
    history: CustomerHistory,
    touched_from: date,
    raised_on: RaisedOn,
    now: datetime,
    *,
    silent_until: date | None,
) -> list[Signal]:
    """Raise what is found, is not cooling down and was not raised before; returns what is new."""
    dates = {kind: list(raised_on.get((customer_id, kind, history.currency), ())) for kind in Kind}
    new: list[Signal] = []
    for finding in find(history, touched_from, standard, silent_until=silent_until):
        if policy.is_cooling(finding.kind, finding.business_date, dates[finding.kind], standard):
            continue
        entry_ids = await ledger.entry_ids_on(uow, customer_id, finding.business_date, classes.customer_initiated)
        signal = Signal(
            customer_id=customer_id,
            signal_id=policy.signal_id(customer_id, finding.kind, history.currency, finding.business_date),
            kind=finding.kind,
            currency=history.currency,
            severity=finding.severity,
            business_date=finding.business_date,
            historical=policy.is_historical(finding.business_date, history.as_of, calendar, standard),
            reason_code=finding.reason.code,
            reason_en=finding.reason.text.en,
            reason_zh=finding.reason.text.zh,
            evidence={**finding.figures, "currency": history.currency, "entry_ids": [str(entry) for entry in entry_ids]},
            standard_version=standard.version,
            raised_at=now,
        )
        if await repository.insert_signal(uow, signal):
            dates[finding.kind].append(finding.business_date)
            await outbox.append(uow, _raised(signal), event_id=signal.signal_id)
            new.append(signal)
    if new:
        uow.after_commit(lambda: _count(new))
    return new


async def _count(raised: Sequence[Signal]) -> None:
    """Once they are durable: a transaction that is tried again counts once."""
    for signal in raised:
        SIGNALS.labels(signal.kind, signal.severity).inc()


def _raised(signal: Signal) -> SignalRaised:
    return SignalRaised(
        signal_id=signal.signal_id,
        customer_id=signal.customer_id,
        kind=signal.kind,
        severity=signal.severity,
        business_date=signal.business_date,
        historical=signal.historical,
        reason=SignalReason(code=signal.reason_code, zh=signal.reason_zh, en=signal.reason_en),
        evidence=dict(signal.evidence),
    )
