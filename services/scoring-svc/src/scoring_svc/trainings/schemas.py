"""Bodies of trainings."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field, field_validator

from scoring_svc.register.schemas import Name


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
    """`result` names the version, or why there is none, once the training has ended. `id` is that of its operation, too."""

    id: UUID
    name: str
    request: dict[str, Any]
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    result: dict[str, Any] | None
