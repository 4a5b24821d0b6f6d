"""Whom a service has erased. Every service keeps a copy of the table (`ERASURE_TABLES`)."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import DateTime, Index, Table
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase


class ErasedCustomer(CommonBase):
    """A customer of whom this database holds nothing any more, and takes in nothing again."""

    __tablename__ = "erased_customer"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    __table_args__ = (Index("ix_erased_customer_erased_at", "erased_at"),)


ERASURE_TABLES: tuple[Table, ...] = (cast("Table", ErasedCustomer.__table__),)
