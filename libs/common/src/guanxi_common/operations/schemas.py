"""What callers get of operations."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from guanxi_common.http.bodies import Answer
from guanxi_common.operations.repository import NumberedError, Operation

KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,62}$")]
StateName = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class BilingualOut(Answer):
    """A text in both languages."""

    zh: str
    en: str


class OperationFailureOut(Answer):
    """Why an operation failed."""

    code: str = Field(description="A stable code.")
    reason: BilingualOut


class OperationOut(Answer):
    """An operation that outlasts its request: how far it is, and what became of it."""

    id: UUID
    kind: str
    state: StateName
    stage: str | None = Field(description="The part of the work that is under way, where the kind has several.")
    parameters: dict[str, Any] = Field(description="With what it was started.")
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    moved_at: datetime = Field(description="The last sign of progress.")
    finished_at: datetime | None
    rows_done: int = Field(description="Rows of this stage that are done, those that failed included.")
    rows_total: int | None = Field(description="Rows of this stage; null while it is not known.")
    rows_failed: int = Field(description="Rows that could not be done; the first thousand are listed with their reasons.")
    cancellable: bool = Field(description="Whether it may still be cancelled.")
    retry_at: datetime | None = Field(description="When a step that failed is tried again; null while none waits.")
    result: dict[str, Any] | None = Field(description="Figures and ids, once it has succeeded.")
    failure: OperationFailureOut | None

    @classmethod
    def of(cls, operation: Operation) -> Self:
        values = {name: getattr(operation, name) for name in cls.model_fields if name not in ("failure", "cancellable")}
        cancellable = operation.cancellable and operation.finished_at is None
        return cls(**values, cancellable=cancellable, failure=_failure(operation))


class OperationErrorOut(Answer):
    """A row that could not be done."""

    number: int = Field(description="Counts the failed rows of the operation, from 1.")
    item: str = Field(description="The row: a line or an id.")
    code: str = Field(description="A stable code.")
    detail: BilingualOut

    @classmethod
    def of(cls, error: NumberedError) -> Self:
        detail = BilingualOut(zh=error.detail.zh, en=error.detail.en)
        return cls(number=error.number, item=error.item, code=error.code, detail=detail)


def _failure(operation: Operation) -> OperationFailureOut | None:
    if operation.failure_code is None:
        return None
    reason = BilingualOut(zh=operation.failure_zh or "", en=operation.failure_en or "")
    return OperationFailureOut(code=operation.failure_code, reason=reason)
