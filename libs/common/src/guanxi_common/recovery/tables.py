"""The tables of recovery. Every service keeps a copy of all of them in its own database (`RECOVERY_TABLES`)."""

from datetime import datetime
from typing import cast

from sqlalchemy import BigInteger, DateTime, Identity, Index, Table, Text, func, text
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


class Rebuild(CommonBase):
    """The service makes anew what it keeps of a topic; at most one of a topic is open. The steps are those of `recovery.rebuilds`.

    `records`: how many there were to read when it began; `cursor`: how far the replica's own last work is.
    """

    __tablename__ = "rebuild"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    began_at: Mapped[datetime | None] = mapped_column(_Instant)
    records: Mapped[int | None] = mapped_column(BigInteger)
    read_at: Mapped[datetime | None] = mapped_column(_Instant)
    removed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cleared_at: Mapped[datetime | None] = mapped_column(_Instant)
    cursor: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (Index("ix_rebuild_open", "topic", unique=True, postgresql_where=text("finished_at IS NULL")),)


RECOVERY_TABLES: tuple[Table, ...] = tuple(cast("Table", model.__table__) for model in (Republication, Rebuild))
