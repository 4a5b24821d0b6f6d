"""Bodies of the register of models."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from guanxi_common.http.bodies import SPOKEN, Answer, Body
from pydantic import Field, StringConstraints

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}(:[A-Za-z0-9._-]{1,64})?$")]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=500),
    SPOKEN,
    Field(description="Why; kept with the step. No personal data."),
]


class ModelOut(Answer):
    """One version. `training` describes its data, `back_test` how it did; null: it could not be held, and nobody can approve it."""

    id: UUID
    name: str
    number: int
    kind: str
    state: Literal["candidate", "back_tested", "approved", "challenger", "active", "retired"]
    trained_by: str
    trained_at: datetime
    training: dict[str, Any]
    back_test: dict[str, Any] | None
    digest: str


class StepOut(Answer):
    from_state: str | None
    to_state: str
    author: str
    at: datetime
    reason: str


class ModelDetailOut(ModelOut):
    """A version with every step it took, oldest first."""

    steps: list[StepOut]


class StepRequest(Body):
    reason: Reason


class ActivationRequest(Body):
    """`replaces` names the version now in this place (null: none); if it is another by then, nothing changes (409)."""

    role: Literal["champion", "challenger"] = "champion"
    replaces: UUID | None
    reason: Reason


class RollbackOut(Answer):
    """`active` is the version that is active now; null: customers are scored by the rules."""

    retired: ModelOut
    active: ModelOut | None


class DriftOut(Answer):
    """PSI against the training: under 0.1 stable, above 0.25 a large shift. `features` from the largest down. `comparison`: with the
    challenger, where there is one."""

    measured_on: date
    customers: int
    score_psi: float
    features: list[dict[str, Any]]
    comparison: dict[str, Any] | None


class DriftList(Answer):
    """The latest first, at most ninety days."""

    data: list[DriftOut]
