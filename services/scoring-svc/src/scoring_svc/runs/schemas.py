"""Bodies of the book runs."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field


class ScoreRunRequest(Body):
    as_of: date | None = Field(default=None, description="Business date; default today.")


class ScoreRunOut(Answer):
    """`result` says what became of the lifetime model and of the bands, once the run has ended."""

    id: UUID
    as_of: date
    state: Literal["queued", "succeeded", "failed"]
    requested_at: datetime
    finished_at: datetime | None
    result: dict[str, Any] | None


class LifetimeModelOut(Answer):
    """One fit of BG/NBD. Time unit: weeks. A refused fit has a reason instead of parameters."""

    id: UUID
    as_of: date
    state: Literal["active", "retired", "refused"]
    customers: int
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float | None
    refusal: str | None
    refusal_en: str | None
    refusal_zh: str | None
    fitted_at: datetime
