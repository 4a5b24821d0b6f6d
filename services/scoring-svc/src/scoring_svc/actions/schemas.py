"""Actions as a caller sees them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.http.bodies import Answer

from scoring_svc.related_sales.schemas import CodedReasonOut, RefusalOut, WordsOut


class ActionOut(Answer):
    """A live action. `value_minor`: what is at stake in a year, in minor units; `chosen_probability_bp`: how probable its choice was."""

    action_id: UUID
    customer_id: UUID
    kind: str
    reason_code: str
    reasons: list[CodedReasonOut]
    product_code: str | None
    channel: str
    content: WordsOut
    price: WordsOut | None
    priority_bp: int
    value_minor: int
    currency: str
    propensity_bp: int
    chosen_probability_bp: int
    due_within_hours: int
    expires_on: date
    evidence: dict[str, Any]
    model_version: str
    severity: str
    state: str
    recommended_at: datetime


class ConsideredOut(Answer):
    """Something that could have been done: by its rank, with the rules that refused it and the values compared."""

    kind: str
    reason_code: str
    product_code: str | None
    channel: str | None
    priority_bp: int
    propensity_bp: int
    value_minor: int
    currency: str
    chosen: bool
    probability_bp: int
    refusals: list[RefusalOut]


class CustomerActionsOut(Answer):
    """What is to be done for one customer. With `explain` all that was considered on `planned_on`; else `considered` is null."""

    customer_id: UUID
    planned_on: date | None
    hold_out: bool
    data: list[ActionOut]
    considered: list[ConsideredOut] | None


class WithoutActionOut(Answer):
    """A customer for whom nothing fits. `refused_by`: the rules that refused everything, with how many candidates each."""

    customer_id: UUID
    planned_on: date
    refused_by: dict[str, int]


class ArmOut(Answer):
    customers: int
    stayed: int
    bought: int


class DifferenceOut(Answer):
    """Share of the treated minus share of the held-out, with its 95 % interval (Newcombe)."""

    value: float
    low: float
    high: float


class UpliftOut(Answer):
    """What recommending is worth, on customers first looked at `horizon_days` ago or more. Null differences: a group is empty."""

    as_of: date
    horizon_days: int
    treated: ArmOut
    held_out: ArmOut
    stayed: DifferenceOut | None
    bought: DifferenceOut | None
