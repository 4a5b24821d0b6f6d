"""The tables of operations. Every service keeps a copy in its own database (`OPERATION_TABLES`)."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)
_OPEN = text("state IN ('queued', 'running')")


class OperationRow(CommonBase):
    """An operation. `parameters`, `checkpoint` and `result` hold ids, dates and figures, no personal data.

    `state`: queued, running, then succeeded, failed or cancelled. `start_key`: a second start of the kind with the same key is the same
    operation. `moved_at`: the start, the last step, or the last report of progress. `attempts`: how often the step to be done has failed;
    it is tried again from `retry_at` on. `rows_failed` counts every row that failed, also those that are not kept.
    """

    __tablename__ = "operation"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    start_key: Mapped[str | None] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(_Instant)
    started_at: Mapped[datetime | None] = mapped_column(_Instant)
    moved_at: Mapped[datetime] = mapped_column(_Instant)
    finished_at: Mapped[datetime | None] = mapped_column(_Instant)
    stage: Mapped[str | None] = mapped_column(Text)
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_total: Mapped[int | None] = mapped_column(BigInteger)
    rows_failed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cancellable: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    retry_at: Mapped[datetime | None] = mapped_column(_Instant)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_en: Mapped[str | None] = mapped_column(Text)
    failure_zh: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        Index("ix_operation_open", "kind", "moved_at", "id", postgresql_where=_OPEN),
        Index("ix_operation_list", "requested_at", "id"),
        Index("ix_operation_requested_by", "requested_by", "requested_at", "id"),
        Index("uq_operation_start_key", "kind", "start_key", unique=True, postgresql_where=text("start_key IS NOT NULL")),
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint(
            "length(parameters::text) <= 65536 AND length(checkpoint::text) <= 65536 AND length(result::text) <= 65536",
            name="bounded",
        ),
    )


class OperationErrorRow(CommonBase):
    """A row that an operation could not do; `number` counts them within the operation, from 1."""

    __tablename__ = "operation_error"
    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    item: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    detail_en: Mapped[str] = mapped_column(Text)
    detail_zh: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(
            "length(item) <= 255 AND length(code) <= 100 AND length(detail_en) <= 500 AND length(detail_zh) <= 500",
            name="bounded",
        ),
    )


OPERATION_TABLES: tuple[Table, ...] = (cast("Table", OperationRow.__table__), cast("Table", OperationErrorRow.__table__))
