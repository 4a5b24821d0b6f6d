"""Bodies of the register of models."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field, field_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}(:[A-Za-z0-9._-]{1,64})?$")]
Reason = Annotated[str, Field(min_length=3, max_length=500, description="Why; kept with the step. No personal data.")]


class TrainingRequest(Body):
    """What to train, on which business dates. A cut needs its whole horizon behind it.

    Names: `retention`, and `related_sale:<product code>` for the propensity to take up a product of the catalogue.
    """

    name: Name = "retention"
    kind: Literal["logistic", "boosted_trees", "lightgbm"] = "logistic"
    label: (
        Literal["leaves", "balance_decline", "activity_decline", "salary_gone", "product_closure", "full_attrition", "takes_up"]
        | None
    ) = Field(default=None, description="Default: leaves for retention. A related sale has takes_up alone.")
    train_cuts: list[date] = Field(min_length=1, max_length=24, description="Customers are looked at as of these dates.")
    test_cut: date | None = Field(
        default=None,
        description="Back-test as of this date, after every training horizon. Without it: random folds, and the card says so.",
    )
    horizon_days: int | None = Field(default=None, ge=45, le=365, description="Default: by the standard of labels.")

    @field_validator("train_cuts")
    @classmethod
    def _each_once(cls, cuts: list[date]) -> list[date]:
        if len(set(cuts)) != len(cuts):
            raise ValueError("a cut is named twice")
        return cuts


class TrainingOut(Answer):
    """`result` names the version, or why there is none, once the training has ended."""

    id: UUID
    name: str
    request: dict[str, Any]
    state: Literal["queued", "succeeded", "failed"]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    result: dict[str, Any] | None


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
