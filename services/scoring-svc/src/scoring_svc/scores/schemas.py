"""The score as a caller sees it."""

from datetime import date, datetime
from uuid import UUID

from guanxi_common.http.bodies import Answer


class ReasonOut(Answer):
    """One reason. `contribution_bp` is its share of the risk, signed; the reasons add up to `value_bp`. `evidence_ids` name ledger
    entries, at most ten: the latest of what was counted, the largest of what was summed; or the interaction or review."""

    code: str
    contribution_bp: int
    en: str
    zh: str
    evidence_ids: list[str]


class RetentionOut(Answer):
    """The risk that the customer leaves, in basis points (10,000 = certain). `short_history`: rules that compare were left out."""

    value_bp: int
    band: str
    reasons: list[ReasonOut]
    short_history: bool


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
