"""Fits of the lifetime model as a caller sees them."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer


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
