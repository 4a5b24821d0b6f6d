"""Find what is to be signalled in a customer's history, and raise it once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import outbox
from guanxi_common.telemetry.metrics import SIGNALS

from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.ledger.policy import ActivityClasses
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


@dataclass(frozen=True, slots=True)
class Raising:
    """What the findings of a batch of customers share. `raised_on`: what was raised of them before."""

    uow: UnitOfWork
    calendar: BusinessCalendar
    standard: SignalStandard
    raised_on: RaisedOn
    now: datetime


async def raise_signals(
    raising: Raising,
    classes: ActivityClasses,
    customer_id: UUID,
    history: CustomerHistory,
    touched_from: date,
    *,
    silent_until: date | None,
) -> list[Signal]:
    """Raise what is found, is not cooling down and was not raised before; returns what is new."""
    findings = find(history, touched_from, raising.standard, silent_until=silent_until)
    return await raise_findings(raising, customer_id, history.currency, history.as_of, findings, classes=classes)


async def raise_findings(
    raising: Raising,
    customer_id: UUID,
    currency: str,
    today: date,
    findings: Iterable[Finding],
    *,
    classes: ActivityClasses | None = None,
) -> list[Signal]:
    """Raise the findings in one currency that are not cooling down and were not raised before; returns what is new.

    `classes`: the findings rest on entries of the day, which the evidence names.
    """
    uow, standard = raising.uow, raising.standard
    dates = {kind: list(raising.raised_on.get((customer_id, kind, currency), ())) for kind in Kind}
    new: list[Signal] = []
    for finding in findings:
        if policy.is_cooling(finding.kind, finding.business_date, dates[finding.kind], standard):
            continue
        on = finding.business_date
        entry_ids = await ledger.entry_ids_on(uow, customer_id, on, classes.customer_initiated) if classes else []
        signal = Signal(
            customer_id=customer_id,
            signal_id=policy.signal_id(customer_id, finding.kind, currency, on),
            kind=finding.kind,
            currency=currency,
            severity=finding.severity,
            business_date=on,
            historical=not finding.lies_ahead and policy.is_historical(on, today, raising.calendar, standard),
            reason_code=finding.reason.code,
            reason_en=finding.reason.text.en,
            reason_zh=finding.reason.text.zh,
            evidence={**_evidence(finding), "currency": currency, "entry_ids": [str(entry) for entry in entry_ids]},
            standard_version=standard.version,
            raised_at=raising.now,
        )
        if await repository.insert_signal(uow, signal):
            dates[finding.kind].append(on)
            await outbox.append(uow, _raised(signal), event_id=signal.signal_id)
            new.append(signal)
    if new:
        uow.after_commit(lambda: _count(new))
    return new


def _evidence(finding: Finding) -> dict[str, Any]:
    ids = finding.reason.evidence_ids
    return {**finding.figures, "evidence_ids": list(ids)} if ids else dict(finding.figures)


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
