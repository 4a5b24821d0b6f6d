"""Pure rules of changing a standard (D6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from customer_svc.proposals.policy import LIFETIME, Hindrance, State

NOTICE: Final = timedelta(minutes=5)
"""How long before it counts a version is approved at the latest."""

__all__ = ["LIFETIME", "NOTICE", "Hindrance", "StandardProposal", "State", "begins_at", "why_not_decide", "why_not_open"]


@dataclass(frozen=True, slots=True)
class StandardProposal:
    """A version that waits for its second person. `base_number` is the newest version that its author knew.

    `effective_at` None: as soon as it may. `package_version`: the number under which it shipped; it has no proposer and does not expire.
    `number`: as what it was approved.
    """

    id: UUID
    kind: str
    body: Mapping[str, Any]
    reason: str
    effective_at: datetime | None
    base_number: int
    package_version: int | None
    author: str
    proposed_by: UUID | None
    proposed_at: datetime
    expires_at: datetime | None
    state: State
    number: int | None = None
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    def state_at(self, now: datetime) -> State:
        """Its state, which time alone may have ended."""
        ended = self.state is State.OPEN and self.expires_at is not None and self.expires_at <= now
        return State.EXPIRED if ended else self.state


def begins_at(wanted: datetime | None, now: datetime, notice: timedelta) -> datetime | None:
    """From when on a version counts that is approved now; None where that is less than the notice away, or past."""
    earliest = now + notice
    if wanted is None:
        return earliest
    return wanted if wanted >= earliest else None


def why_not_open(proposal: StandardProposal, now: datetime) -> Hindrance | None:
    """What ended the proposal; None if nothing did."""
    state = proposal.state_at(now)
    if state is State.OPEN:
        return None
    return Hindrance.EXPIRED if state is State.EXPIRED else Hindrance.DECIDED


def why_not_decide(proposal: StandardProposal, decider: UUID, now: datetime) -> Hindrance | None:
    """What keeps `decider` from approving or rejecting; None if nothing does."""
    return why_not_open(proposal, now) or (Hindrance.OWN_PROPOSAL if decider == proposal.proposed_by else None)
