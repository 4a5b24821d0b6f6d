"""Bodies of the book runs."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field


class ScoreRunRequest(Body):
    as_of: date | None = Field(default=None, description="Business date; default today.")


class ScoreRunOut(Answer):
    """`result` says what became of the lifetime model and of the bands, and how many customers were scored in columns, how many one by one.

    `stage` of a run under way: `refreshing` (scores of an earlier day are brought to this one), `scoring` (fit, scores, exchange of the
    book), `publishing`; `rows_done` of `rows_total` customers of this stage are done.
    """

    id: UUID
    as_of: date
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    stage: Literal["refreshing", "scoring", "publishing"] | None
    rows_done: int | None
    rows_total: int | None
    result: dict[str, Any] | None
