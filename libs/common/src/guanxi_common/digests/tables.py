"""What a service knows of digests. Every service keeps a copy of the table (`DIGEST_TABLES`)."""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Date, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)


class Digest(CommonBase):
    """The digests of one type: the owner's newest that waits for our comparison, and what came of the last comparison.

    `told`: the waiting one {taken_at, until, sums, offsets}, null once compared. `deltas`: by bucket, [the owner's sum,
    ours] of the last comparison; `differing`: the buckets that differed twice in a row and stood still.
    """

    __tablename__ = "digest"
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    told: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    taken_at: Mapped[datetime | None] = mapped_column(_Instant)
    until: Mapped[date | None] = mapped_column(Date)
    compared_at: Mapped[datetime | None] = mapped_column(_Instant)
    deltas: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    differing: Mapped[list[int]] = mapped_column(JSONB)


DIGEST_TABLES: tuple[Table, ...] = (cast("Table", Digest.__table__),)
