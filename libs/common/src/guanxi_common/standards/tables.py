"""The table of versions. Every service keeps a copy of it (`STANDARD_TABLES`): customer-svc writes it, the others apply snapshots."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import DateTime, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase


class StandardVersionRow(CommonBase):
    """One version of one kind, never written again and never removed. See `policy.StandardVersion`."""

    __tablename__ = "standard_version"
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    author: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    effective_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


STANDARD_TABLES: tuple[Table, ...] = (cast("Table", StandardVersionRow.__table__),)
