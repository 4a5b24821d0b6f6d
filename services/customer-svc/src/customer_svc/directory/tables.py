"""Who made each change of the directory. The entries themselves stand in `guanxi_common.security.directory.tables`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class DirectoryChangeRow(Base):
    """One change of one entry; never updated. `author_id` is who changed or proposed it, NULL for founders and the host.

    `how` is `founded`, `direct`, `proposed` (approved by a second person) or `appointed` (on the host).
    """

    __tablename__ = "directory_change"
    __table_args__ = (
        Index("ix_directory_change_entry", "entry_id", "changed_at"),
        Index("ix_directory_change_changed_at", "changed_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    entry_id: Mapped[UUID]
    author_id: Mapped[UUID | None]
    how: Mapped[str]
    reason: Mapped[str | None]
    changed_at: Mapped[datetime]
