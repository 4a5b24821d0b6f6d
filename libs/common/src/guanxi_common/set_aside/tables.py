"""The table of items that have failed. Every service keeps a copy in its own database (`SET_ASIDE_TABLES`)."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)


class SetAsideItem(CommonBase):
    """An item of a queue that has failed by itself; a success deletes the row.

    `item` names it within its queue: an id or a code, no personal data. `reason` is a stable code, `error` what `describe` says, bounded.
    `retry_at`: when it is tried again; null: it is set aside. `attempts`: the tries that counted.
    """

    __tablename__ = "set_aside_item"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    first_failed_at: Mapped[datetime] = mapped_column(_Instant)
    last_failed_at: Mapped[datetime] = mapped_column(_Instant)
    retry_at: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (
        UniqueConstraint("queue", "item"),
        Index("ix_set_aside_item_list", "last_failed_at", "id"),
        Index("ix_set_aside_item_open", "queue", postgresql_where=text("retry_at IS NULL")),
        CheckConstraint("length(item) <= 200 AND length(reason) <= 100 AND length(error) <= 500", name="bounded"),
    )


SET_ASIDE_TABLES: tuple[Table, ...] = (cast("Table", SetAsideItem.__table__),)
