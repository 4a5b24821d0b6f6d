"""What a contact contributes to the retention risk: a look-up in the standard then in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import ConfigDict

from scoring_svc.retention.policy import MAX_CONTACT_BP


@dataclass(frozen=True)
class ContactStandard:
    """Contributions in basis points. A result, effect or outcome that is not named contributes nothing."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    results: Mapping[str, int]
    effects: Mapping[str, int]
    reviews: Mapping[str, int]

    def interaction_bp(self, result: str, effect: str | None) -> int:
        return _bounded(self.results.get(result, 0) + self.effects.get(effect or "none", 0))

    def review_bp(self, outcome: str) -> int:
        return _bounded(self.reviews.get(outcome, 0))


def _bounded(contribution_bp: int) -> int:
    return max(-MAX_CONTACT_BP, min(MAX_CONTACT_BP, contribution_bp))
