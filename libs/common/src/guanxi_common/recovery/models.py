"""The tables of recovery. Every service keeps a copy of all of them in its own database (`RECOVERY_TABLES`)."""

from datetime import datetime
from typing import cast

from sqlalchemy import BigInteger, DateTime, Index, Table, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)


class Republication(CommonBase):
    """The owner publishes all its snapshots once more; `name` says what for. One row, taken by one worker at a time.

    `horizon`: nothing is published before every transaction below this id has ended. `cursor`: the last aggregate published of
    the type `source`.
    """

    __tablename__ = "republication"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    horizon: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str | None] = mapped_column(Text)
    cursor: Mapped[str | None] = mapped_column(Text)
    published: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    finished_at: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (Index("ix_republication_open", "requested_at", postgresql_where=text("finished_at IS NULL")),)


RECOVERY_TABLES: tuple[Table, ...] = (cast("Table", Republication.__table__),)
