"""Why a score or signal is what it is, in words and with what it rests on."""

from dataclasses import dataclass

from guanxi_common.errors import Text


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `contribution_bp` is its share of the score in basis points, signed, exact (0 for a signal's reason).

    `evidence_ids` are ids of ledger entries, interactions or reviews, ascending.
    """

    code: str
    contribution_bp: int
    text: Text
    evidence_ids: tuple[str, ...] = ()
