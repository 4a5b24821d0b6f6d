"""The rule-based retention risk (S3): what a bank goes by until its own history can train a model.

The risk is a sum of integer basis points (10,000 = certain), so it comes out the same to the byte wherever it is computed, and
every reason states the points it contributes. Each rule measures a decline of the customer against the customer's own past and
turns it into points by a ramp: none up to `start`, all of `weight_bp` from `full` on. Contacts then lower (or raise) the sum by
their stated contribution, which decays to nothing over `contact_decay_days`. Σ contributions of the reasons = the risk, always.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from guanxi_common.errors import Text
from guanxi_common.money import Money
from pydantic import ConfigDict

from scoring_svc.reasons import Reason
from scoring_svc.retention.contact_words import words_of

FULL_RISK_BP: Final = 10_000
MAX_CONTACT_BP: Final = 3_000


class Code(StrEnum):
    """The reasons that a retention risk can have; one by a trained model also has the names of features."""

    ACTIVITY_DECLINE = "activity_decline"
    BALANCE_DECLINE = "balance_decline"
    NET_OUTFLOW = "net_outflow"
    INCOME_STOPPED = "income_stopped"
    SILENCE = "silence"
    DROPPED_OUT = "dropped_out"
    CONTACT = "contact"
    CONTACT_LIMIT = "contact_limit"
    TYPICAL = "typical_customer"
    OTHER_FEATURES = "other_features"


UNNAMED: Final = frozenset({Code.TYPICAL, Code.OTHER_FEATURES})
"""Shares that belong to no feature by name: they make the sum exact, and nobody can talk with a customer about them."""

Band = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Ramp:
    """From a measure to basis points of risk: 0 up to `start`, `weight_bp` from `full` on, linear and rounded down between."""

    weight_bp: int
    start: int
    full: int

    def __post_init__(self) -> None:
        if self.weight_bp < 0 or self.full <= self.start:
            raise ValueError("a ramp rises from start to full")

    def points(self, measure: int) -> int:
        rise = min(max(measure - self.start, 0), self.full - self.start)
        return self.weight_bp * rise // (self.full - self.start)


@dataclass(frozen=True)
class RetentionStandard:
    """Weights, thresholds and bands. Measures: `*_bp` shares in basis points, `*_days` days.

    `min_*_minor` are floors by currency, in minor units: below them a decline means nothing (a currency without one has floor 1).
    The weights add up to at most 10,000.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    activity_decline_bp: Ramp
    balance_decline_bp: Ramp
    net_outflow_bp: Ramp
    income_overdue_days: Ramp
    silent_days: Ramp
    dropped_out_bp: Ramp
    min_history_days: int
    min_acts_before: int
    min_balance_minor: Mapping[str, int]
    min_outflow_minor: Mapping[str, int]
    contact_decay_days: int
    contact_limit_bp: int
    medium_from_bp: int
    high_from_bp: int

    def __post_init__(self) -> None:
        if sum(ramp.weight_bp for ramp in self.ramps) > FULL_RISK_BP:
            raise ValueError("the weights add up to more than 10,000")
        if (
            not 0 < self.medium_from_bp < self.high_from_bp <= FULL_RISK_BP
            or self.contact_decay_days < 1
            or self.contact_limit_bp < 0
        ):
            raise ValueError("0 < medium_from_bp < high_from_bp <= 10,000; contacts decay over at least a day, within a limit")

    @property
    def ramps(self) -> tuple[Ramp, ...]:
        return (
            self.activity_decline_bp,
            self.balance_decline_bp,
            self.net_outflow_bp,
            self.income_overdue_days,
            self.silent_days,
            self.dropped_out_bp,
        )

    def band(self, value_bp: int) -> Band:
        """The band of a risk; a value equal to a threshold belongs to the higher band."""
        if value_bp >= self.high_from_bp:
            return "high"
        return "medium" if value_bp >= self.medium_from_bp else "low"


@dataclass(frozen=True, slots=True)
class Contact:
    """A recorded contact or plan review. `contribution_bp` is added to the risk: -1,500 lowers it by 0.15. Within ±3,000.

    `kind`, `result` and `effect` are what was recorded, for the words alone; see `contact_words.words_of`.
    """

    evidence_id: str
    occurred_on: date
    contribution_bp: int
    kind: str = "interaction"
    result: str | None = None
    effect: str | None = None

    def __post_init__(self) -> None:
        if abs(self.contribution_bp) > MAX_CONTACT_BP:
            raise ValueError("a contact contributes at most 0.3")


@dataclass(frozen=True)
class RetentionInputs:
    """What the risk of one customer rests on, on the business date `as_of`. Money in minor units of `currency`; flows positive.

    history_days: from the first posting to `as_of`.
    acts_recent, acts_before: customer-initiated postings in the last 90 days, and in the 90 days before those.
    silent_days: days since the last customer-initiated posting; None if there never was one.
    balance_minor, median_balance_minor: the balance now, and its median over the last 12 months; None if not reported.
    outflow_minor, inflow_minor: all debits and credits of the last 90 days except interest and fees.
    income_overdue_days: days since salary or pension was due; None without a regular income, 0 while it is on time.
    p_alive_bp: P(alive) of BG/NBD; None without a fitted model or a repeat purchase, where it says nothing.
    contacts: in any order; those after `as_of` do not count.
    evidence: by reason, the ids of the entries it rests on, where the caller has them.
    """

    as_of: date
    currency: str
    history_days: int
    acts_recent: int
    acts_before: int
    silent_days: int | None = None
    balance_minor: int | None = None
    median_balance_minor: int | None = None
    outflow_minor: int = 0
    inflow_minor: int = 0
    income_overdue_days: int | None = None
    p_alive_bp: int | None = None
    contacts: tuple[Contact, ...] = ()
    evidence: Mapping[Code, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetentionRisk:
    """`reasons`: the strongest first, what lowers the risk last. `short_history`: the rules that compare were left out."""

    value_bp: int
    band: Band
    reasons: tuple[Reason, ...]
    short_history: bool
    standard_version: int

    @property
    def main_reason(self) -> Reason | None:
        """The strongest reason for concern, if there is any."""
        first = self.reasons[0] if self.reasons else None
        return first if first and first.contribution_bp > 0 and first.code not in UNNAMED else None


def retention_risk(inputs: RetentionInputs, standard: RetentionStandard) -> RetentionRisk:
    """The risk of one customer with its reasons. Pure: equal inputs give equal results, whatever the order of the contacts."""
    short = inputs.history_days < standard.min_history_days
    concerns = [reason for reason in _concerns(inputs, standard, compares=not short) if reason.contribution_bp]
    return with_contacts(inputs, standard, concerns, short_history=short)


def with_contacts(
    inputs: RetentionInputs, standard: RetentionStandard, concerns: Sequence[Reason], *, short_history: bool = False
) -> RetentionRisk:
    """The risk that `concerns` add up to (0 to 10,000, from whatever source), with the stated contributions of contacts on top."""
    reasons = [*concerns, *_contacts(inputs, standard, sum(reason.contribution_bp for reason in concerns))]
    reasons.sort(key=_rank)
    value = sum(reason.contribution_bp for reason in reasons)
    return RetentionRisk(value, standard.band(value), tuple(reasons), short_history, standard.version)


def _rank(reason: Reason) -> tuple[bool, bool, int, str, tuple[str, ...]]:
    """What raises the risk first; then the sums that are nobody's reason; then what lowers it."""
    lowers = reason.contribution_bp <= 0
    return lowers, reason.code in UNNAMED, -reason.contribution_bp, reason.code, reason.evidence_ids


def contact_contribution(contact: Contact, as_of: date, standard: RetentionStandard) -> int:
    """What is left of a contact's contribution: all of it on its day, falling by equal parts to 0, rounded towards 0."""
    age = (as_of - contact.occurred_on).days
    if not 0 <= age < standard.contact_decay_days:
        return 0
    left = abs(contact.contribution_bp) * (standard.contact_decay_days - age) // standard.contact_decay_days
    return left if contact.contribution_bp > 0 else -left


def _concerns(inputs: RetentionInputs, standard: RetentionStandard, *, compares: bool) -> Iterator[Reason]:
    if compares:
        yield from _activity(inputs, standard)
        yield from _balance(inputs, standard)
    yield from _outflow(inputs, standard)
    if inputs.income_overdue_days is not None:
        days = inputs.income_overdue_days
        text = Text(f"Salary or pension is {days} days overdue.", f"工资或养老金已逾期{days}天未到账。")
        yield _reason(inputs, Code.INCOME_STOPPED, standard.income_overdue_days.points(days), text)
    if inputs.silent_days is not None:
        days = inputs.silent_days
        text = Text(f"No act of the customer's own for {days} days.", f"客户已{days}天没有主动交易。")
        yield _reason(inputs, Code.SILENCE, standard.silent_days.points(days), text)
    if inputs.p_alive_bp is not None:
        percent = inputs.p_alive_bp // 100
        text = Text(
            f"By the rhythm of past purchases the customer is still active with a probability of {percent} %.",
            f"按以往交易节奏推算，客户仍活跃的概率为{percent}%。",
        )
        yield _reason(inputs, Code.DROPPED_OUT, standard.dropped_out_bp.points(FULL_RISK_BP - inputs.p_alive_bp), text)


def _activity(inputs: RetentionInputs, standard: RetentionStandard) -> Iterator[Reason]:
    before, recent = inputs.acts_before, inputs.acts_recent
    if before < max(standard.min_acts_before, 1):
        return
    decline = _decline_bp(before, recent)
    text = Text(
        f"The customer's own postings fell from {before} to {recent} in 90 days (-{decline // 100} %).",
        f"客户主动交易由前90天的{before}笔降至近90天的{recent}笔（-{decline // 100}%）。",
    )
    yield _reason(inputs, Code.ACTIVITY_DECLINE, standard.activity_decline_bp.points(decline), text)


def _balance(inputs: RetentionInputs, standard: RetentionStandard) -> Iterator[Reason]:
    now, usual = inputs.balance_minor, inputs.median_balance_minor
    if now is None or usual is None or usual < max(standard.min_balance_minor.get(inputs.currency, 1), 1):
        return
    decline = _decline_bp(usual, now)
    was, is_now = Money(usual, inputs.currency), Money(now, inputs.currency)
    text = Text(
        f"The balance is {is_now}; its 12-month median is {was} (-{decline // 100} %).",
        f"当前余额{is_now}，近12个月中位数为{was}（-{decline // 100}%）。",
    )
    yield _reason(inputs, Code.BALANCE_DECLINE, standard.balance_decline_bp.points(decline), text)


def _outflow(inputs: RetentionInputs, standard: RetentionStandard) -> Iterator[Reason]:
    out, into = inputs.outflow_minor, inputs.inflow_minor
    if out < max(standard.min_outflow_minor.get(inputs.currency, 1), 1):
        return
    share = _decline_bp(out, into)
    left, came = Money(out, inputs.currency), Money(into, inputs.currency)
    text = Text(
        f"In 90 days {left} left and {came} came in: {share // 100} % was not replaced.",
        f"近90天流出{left}，流入{came}，{share // 100}%未得到补充。",
    )
    yield _reason(inputs, Code.NET_OUTFLOW, standard.net_outflow_bp.points(share), text)


def _decline_bp(before: int, now: int) -> int:
    """How far `now` lies below a positive `before`, from 0 to 10,000 (an overdraft counts as nothing left)."""
    return max(before - max(now, 0), 0) * FULL_RISK_BP // before


def _contacts(inputs: RetentionInputs, standard: RetentionStandard, concern_bp: int) -> list[Reason]:
    """One reason per contact that still counts, and one that keeps the sum within the limit and within 0 to 10,000."""
    reasons = []
    for contact in inputs.contacts:
        left = contact_contribution(contact, inputs.as_of, standard)
        if left:
            text = words_of(contact.kind, contact.occurred_on, contact.result, contact.effect)
            reasons.append(Reason(Code.CONTACT, left, text, (contact.evidence_id,)))
    total = sum(reason.contribution_bp for reason in reasons)
    lowest, highest = -min(concern_bp, standard.contact_limit_bp), min(FULL_RISK_BP - concern_bp, standard.contact_limit_bp)
    excess = min(max(total, lowest), highest) - total
    if excess:
        text = Text("Contacts count only up to a limit.", "联系的影响以上限为准。")
        reasons.append(Reason(Code.CONTACT_LIMIT, excess, text))
    return reasons


def _reason(inputs: RetentionInputs, code: Code, points: int, text: Text) -> Reason:
    return Reason(code, points, text, tuple(sorted(inputs.evidence.get(code, ()))))
