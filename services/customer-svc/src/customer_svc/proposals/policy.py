"""Pure rules of the two people (D19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from guanxi_common.security.directory.values import Client, Staff

LIFETIME = timedelta(days=7)
"""How long a proposal waits for its second person."""

APART = timedelta(days=7)
"""How long after one entered or changed the other two people are no two people."""


UNSHOWN = frozenset({"id", "issuer", "version", "epoch"})
"""Fields of an entry that nobody proposes."""


class State(StrEnum):
    """`open` is the only state that is left; `expired` is never stored, it follows from the clock."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Hindrance(StrEnum):
    """Why somebody cannot decide about a proposal."""

    DECIDED = "decided"
    EXPIRED = "expired"
    OWN_PROPOSAL = "own_proposal"
    OWN_ENTRY = "own_entry"


@dataclass(frozen=True, slots=True)
class Proposal:
    """`entry` is the whole entry as it would stand; `base_version` is the version that it changes, nought for a new one.

    `hand_over_to` takes over the customers of whom it concerns when it comes into force.
    """

    id: UUID
    kind: str
    entry_id: UUID
    base_version: int
    entry: Mapping[str, Any]
    changes: list[str]
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    state: State
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    hand_over_to: UUID | None = None

    def state_at(self, now: datetime) -> State:
        """Its state, which time alone may have ended."""
        return State.EXPIRED if self.state is State.OPEN and self.expires_at <= now else self.state


def staff_needs_two(before: Staff | None, after: Staff, power: frozenset[str]) -> bool:
    """Whether a change gives or takes a power role, or touches subject, role or activity of its holder."""
    if before is None:
        return after.role in power
    if before.role not in power and after.role not in power:
        return False
    before_it = (before.subject, before.role, before.active, before.suspended)
    return before_it != (after.subject, after.role, after.active, after.suspended)


def client_needs_two(before: Client | None, after: Client) -> bool:
    """Whether a change lets a client in or gives it more: a new one, another role or name in tokens, a further source, a return.

    Taking sources away, or the client out, needs one person: whoever sees a leaked secret acts at once.
    """
    if before is None or (before.client_id, before.role) != (after.client_id, after.role):
        return True
    return (after.active and not before.active) or not set(after.sources) <= set(before.sources)


def why_not_open(proposal: Proposal, now: datetime) -> Hindrance | None:
    """What ended the proposal; None if nothing did."""
    state = proposal.state_at(now)
    if state is State.OPEN:
        return None
    return Hindrance.EXPIRED if state is State.EXPIRED else Hindrance.DECIDED


def why_not_decide(proposal: Proposal, decider: UUID, now: datetime) -> Hindrance | None:
    """What keeps `decider` from approving or rejecting; None if nothing does."""
    if ended := why_not_open(proposal, now):
        return ended
    if decider == proposal.proposed_by:
        return Hindrance.OWN_PROPOSAL
    if decider == proposal.entry_id:
        return Hindrance.OWN_ENTRY
    return None
