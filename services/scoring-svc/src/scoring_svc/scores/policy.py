"""A score as a value, and how daily aggregates become what the models read. Pure; money in minor units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from scoring_svc.ledger.history import WINDOW_DAYS, CustomerHistory
from scoring_svc.retention.policy import Code, Contact, RetentionInputs, RetentionRisk
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.scores.versions import Versions
from scoring_svc.signals.policy import SignalStandard, regular_income

NO_EVIDENCE: Final[Mapping[Code, tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures that the risk rests on, as they are kept with the score; see `retention.policy.RetentionInputs`."""

    currency: str
    other_currencies: tuple[str, ...]
    history_days: int
    acts_recent: int
    acts_before: int
    silent_days: int | None
    balance_minor: int | None
    median_balance_minor: int | None
    outflow_minor: int
    inflow_minor: int
    income_overdue_days: int | None
    p_alive_bp: int | None


@dataclass(frozen=True, slots=True)
class Rfm:
    """Recency in days, frequency in acts, monetary in minor units, within `rfm.policy.RFM_WINDOW_DAYS`. `cell`: 100 R + 10 F + M, 0
    without an act; None, and so is the group, while no bounds are in force."""

    recency_days: int
    frequency: int
    monetary_minor: int
    cell: int | None
    group: str | None
    group_zh: str | None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """BG/NBD's P(alive), and the acts to be expected in 90 days; None without a model or a repeat purchase."""

    p_alive_bp: int | None = None
    expected_acts_90_days: float | None = None


@dataclass(frozen=True, slots=True)
class Challenger:
    """What the version in the shadow says of the same customer, contacts on top."""

    model_version: str
    value_bp: int
    band: str


@dataclass(frozen=True, slots=True)
class Score:
    """All scores of one customer on the business date `as_of`, by what was known at `known_at`."""

    customer_id: UUID
    as_of: date
    known_at: datetime
    versions: Versions
    bands_version: str
    retention: RetentionRisk
    figures: Figures
    rfm: Rfm
    lifetime: Lifetime
    challenger: Challenger | None = None

    @property
    def main_reason_code(self) -> str | None:
        """The strongest reason for concern; None where nothing raises the risk."""
        main = self.retention.main_reason
        return main.code if main else None


def figures_of(inputs: RetentionInputs, history: CustomerHistory) -> Figures:
    return Figures(
        currency=inputs.currency,
        other_currencies=history.other_currencies,
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


def rfm_of(standard: RfmStandard, number: int | None, recency: int, frequency: int, monetary: int) -> Rfm:
    """`number`: the cell, None without bounds."""
    group = standard.group(number) if number is not None else None
    return Rfm(recency, frequency, monetary, number, group.code if group else None, group.zh if group else None)


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
