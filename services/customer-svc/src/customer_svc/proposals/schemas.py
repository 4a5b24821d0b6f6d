"""Bodies of the operations on proposals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line
from pydantic import Field


class Decision(Body):
    """Why the proposal is approved or turned down."""

    reason: Line


class ProposalOut(Answer):
    """A change of the directory that a second person decides. `entry` is the entry as it would stand, `changes` what would differ."""

    id: UUID
    kind: str
    entry_id: UUID
    base_version: int = Field(description="The entry's version that is changed; 0 for a new entry.")
    entry: dict[str, Any]
    changes: list[str]
    reason: str
    state: str
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_reason: str | None
    hand_over_to: UUID | None = Field(description="Who takes over the customers of whom it concerns when it comes into force.")
