"""The score as a caller sees it."""

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from guanxi_common.http.bodies import Answer

from scoring_svc.reasons import Reason
from scoring_svc.retention.policy import RetentionRisk
from scoring_svc.rfm.policy import RFM_WINDOW_DAYS
from scoring_svc.scores.policy import Score


class ReasonOut(Answer):
    """One reason. `contribution_bp` is its share of the risk, signed; the reasons add up to `value_bp`. `evidence_ids` name ledger
    entries, at most ten: the latest of what was counted, the largest of what was summed; or the interaction or review."""

    code: str
    contribution_bp: int
    en: str
    zh: str
    evidence_ids: list[str]

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        return cls(
            code=reason.code,
            contribution_bp=reason.contribution_bp,
            en=reason.text.en,
            zh=reason.text.zh,
            evidence_ids=list(reason.evidence_ids),
        )


class RetentionOut(Answer):
    """The risk that the customer leaves, in basis points (10,000 = certain). `short_history`: rules that compare were left out."""

    value_bp: int
    band: str
    reasons: list[ReasonOut]
    short_history: bool

    @classmethod
    def of(cls, risk: RetentionRisk) -> "RetentionOut":
        reasons = [ReasonOut.of(reason) for reason in risk.reasons]
        return cls(value_bp=risk.value_bp, band=risk.band, reasons=reasons, short_history=risk.short_history)


class RetentionInputsOut(Answer):
    """What the risk rests on; see `retention.policy.RetentionInputs`. Money in minor units of `currency`."""

    currency: str
    other_currencies: list[str]
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


class RfmOut(Answer):
    """Recency in days, frequency in acts, monetary in minor units; the cell is 100 R + 10 F + M, or 0. Null bands: no book run yet."""

    window_days: int
    recency_days: int
    frequency: int
    monetary_minor: int
    cell: int | None
    group: str | None
    group_zh: str | None


class LifetimeOut(Answer):
    """BG/NBD. Null where no model is active, or the customer has no repeat purchase."""

    p_alive_bp: int | None
    expected_acts_90_days: float | None


class ChallengerOut(Answer):
    """What the challenger says of the same customer, contacts on top. Nothing is done by it."""

    model_version: str
    value_bp: int
    band: str


class ScoreOut(Answer):
    """All scores of one customer on the business date `as_of`, by what was known at `known_at`.

    `model_version` names what the retention risk is by: the rules (`retention-rules-1`), or a version of the register
    (`retention-3+retention-rules-1`: of the rules then only bands and contacts), and the lifetime model. Null `challenger`: none.
    """

    customer_id: UUID
    as_of: date
    known_at: datetime
    model_version: str
    bands_version: str
    retention: RetentionOut
    inputs: RetentionInputsOut
    rfm: RfmOut
    lifetime: LifetimeOut
    challenger: ChallengerOut | None = None

    @classmethod
    def of(cls, score: Score) -> "ScoreOut":
        return cls(
            customer_id=score.customer_id,
            as_of=score.as_of,
            known_at=score.known_at,
            model_version=str(score.versions),
            bands_version=score.bands_version,
            retention=RetentionOut.of(score.retention),
            inputs=RetentionInputsOut.model_validate(asdict(score.figures)),
            rfm=RfmOut(window_days=RFM_WINDOW_DAYS, **asdict(score.rfm)),
            lifetime=LifetimeOut(**asdict(score.lifetime)),
            challenger=ChallengerOut(**asdict(score.challenger)) if score.challenger else None,
        )
