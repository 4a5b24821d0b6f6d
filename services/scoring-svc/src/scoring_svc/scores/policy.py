"""From daily aggregates to what the models read. Pure; money in minor units."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from scoring_svc.ledger.history import WINDOW_DAYS, CustomerHistory
from scoring_svc.retention.policy import Code, Contact, RetentionInputs
from scoring_svc.signals.policy import SignalStandard, regular_income

NO_EVIDENCE: Final[Mapping[Code, tuple[str, ...]]] = {}


def retention_inputs(
    history: CustomerHistory,
    contacts: Sequence[Contact],
    signals: SignalStandard,
    p_alive_bp: int | None,
    evidence: Mapping[Code, tuple[str, ...]] = NO_EVIDENCE,
) -> RetentionInputs:
    """What the retention risk rests on. `evidence`: where the caller has it."""
    as_of = history.as_of
    recent, before = as_of - timedelta(days=WINDOW_DAYS), as_of - timedelta(days=2 * WINDOW_DAYS)
    income = regular_income(as_of, history.income_days, signals)
    last_act = max(history.acts, default=None)
    return RetentionInputs(
        as_of=as_of,
        currency=history.currency,
        history_days=(as_of - history.first_day).days,
        acts_recent=sum(count for on, count in history.acts.items() if on > recent),
        acts_before=sum(count for on, count in history.acts.items() if before < on <= recent),
        silent_days=(as_of - last_act).days if last_act else None,
        balance_minor=history.balance_on(as_of),
        median_balance_minor=history.median_balance(as_of),
        outflow_minor=history.outflow_minor,
        inflow_minor=history.inflow_minor,
        income_overdue_days=income.overdue_days if income else None,
        p_alive_bp=p_alive_bp,
        contacts=tuple(contacts),
        evidence=evidence,
    )
