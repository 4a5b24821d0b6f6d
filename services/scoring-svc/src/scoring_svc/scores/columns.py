"""A score as columns of fixed width, and back: what a book run reads and writes a million of. Pure.

A score is *plain* where its columns say everything: it is by the rules, no contact counts, the customer has one currency. `detail` of
a plain score is not stored; `score_of` gives the very score that the single-customer path computes. Every other score keeps its `detail`
(`scores.documents`), and a book run leaves it to the single-customer path.
"""

from collections.abc import Mapping
from typing import Any, Final

from scoring_svc.ledger.history import CustomerHistory, acts_of
from scoring_svc.method import Method
from scoring_svc.retention.policy import Code, RetentionInputs, RetentionStandard, retention_risk
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.scores.policy import Figures, Lifetime, Score, rfm_of
from scoring_svc.scores.versions import Versions

INPUTS: Final = (
    "currency",
    "history_days",
    "acts_recent",
    "acts_before",
    "silent_days",
    "balance_minor",
    "median_balance_minor",
    "outflow_minor",
    "inflow_minor",
    "income_overdue_days",
    "p_alive_bp",
)
RFM: Final = ("recency_days", "frequency", "monetary_minor", "cell")
ACTS: Final = ("act_days", "act_span_days", "act_age_days")
COLUMNS: Final = (*INPUTS, "expected_acts_90_days", *(f"rfm_{name}" for name in RFM), *ACTS)
"""The names of the columns, in the order of `columns_of`. `act_*`: days with an act of the customer's own, days from the first to the
last of them, and from the first to `as_of`."""

MOST_MINOR: Final = 9 * 10**14
"""In eight bytes an amount can be multiplied by 10,000 up to here."""

_MONEY: Final = ("balance_minor", "median_balance_minor", "outflow_minor", "inflow_minor")


def columns_of(score: Score, history: CustomerHistory) -> tuple[Any, ...]:
    return (
        *(getattr(score.figures, name) for name in INPUTS),
        score.lifetime.expected_acts_90_days,
        *(getattr(score.rfm, name) for name in RFM),
        *acts_of(history),
    )


def is_plain(score: Score) -> bool:
    """Whether `score_of` can give the score from its columns, and a book run compute it anew from them."""
    figures = score.figures
    by_rules = score.challenger is None and score.versions.trained is None
    money = [getattr(figures, name) for name in _MONEY]
    return (
        by_rules
        and not figures.other_currencies
        and len(figures.currency.encode()) == 3
        and all(amount is not None and abs(amount) <= MOST_MINOR for amount in money)
        and not any(reason.code in (Code.CONTACT, Code.CONTACT_LIMIT) for reason in score.retention.reasons)
    )


def score_of(row: Mapping[str, Any], method: Method) -> Score:
    """The score of a plain row. The rules are those that `model_version` names; the groups are called as when it was made.

    Raises `LookupError` or `ValueError` for a version that there is not.
    """
    versions = Versions.parse(row["model_version"])
    standard = method.numbered(RetentionStandard, versions.rules)
    inputs = {name: row[name] for name in INPUTS}
    number, recency, frequency, monetary = row["rfm_cell"], *(row[f"rfm_{name}"] for name in RFM[:3])
    return Score(
        customer_id=row["customer_id"],
        as_of=row["as_of"],
        known_at=row["known_at"],
        versions=versions,
        bands_version=row["bands_version"],
        retention=retention_risk(RetentionInputs(as_of=row["as_of"], **inputs), standard),
        figures=Figures(other_currencies=(), **inputs),
        rfm=rfm_of(method.on(row["as_of"], row["known_at"])[RfmStandard], number, recency, frequency, monetary),
        lifetime=Lifetime(row["p_alive_bp"], row["expected_acts_90_days"]),
    )
