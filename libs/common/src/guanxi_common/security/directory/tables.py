"""The tables of the directory and the book. Every service keeps a copy of all of them (`DIRECTORY_TABLES`).

customer-svc writes them as master; the others apply snapshots. `epoch` and `version` are those of the snapshot a row came with.
"""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)


class DirectoryOutlet(CommonBase):
    """An outlet (网点), a region or the head office: a tree by `parent_id`. No foreign key: snapshots come in any order."""

    __tablename__ = "directory_outlet"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None]
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    __table_args__ = (Index("ix_directory_outlet_parent_id", "parent_id"),)


class DirectoryStaff(CommonBase):
    """A person who may call us, known by the issuer and subject of the tokens. See `values.Staff`."""

    __tablename__ = "directory_staff"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[UUID | None]
    reports_to: Mapped[UUID | None]
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    deputy_id: Mapped[UUID | None]
    away_from: Mapped[datetime | None] = mapped_column(_Instant)
    away_until: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        Index("ix_directory_staff_outlet_id", "outlet_id"),
        Index("ix_directory_staff_deputy_id", "deputy_id", postgresql_where=text("deputy_id IS NOT NULL")),
    )


class DirectoryClient(CommonBase):
    """A program that may call us for itself, known by the issuer and client id of its tokens. `sources`: for which systems it speaks."""

    __tablename__ = "directory_client"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)


class DirectoryRole(CommonBase):
    """A role and its `grants`: permission → `own`, `outlet` or `all`. `holder`: `staff` or `client`."""

    __tablename__ = "directory_role"
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    grants: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    holder: Mapped[str] = mapped_column(Text, server_default=text("'staff'"))


class BookAssignment(CommonBase):
    """Who looks after a customer in an interval [valid_from, valid_to); `valid_to` NULL is open.

    A future interval is stored when it is decided and takes effect by the clock. `staff_id` NULL: the outlet's lead is
    responsible.
    """

    __tablename__ = "book_assignment"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    capacity: Mapped[str] = mapped_column(Text, primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(_Instant, primary_key=True)
    valid_to: Mapped[datetime | None] = mapped_column(_Instant)
    staff_id: Mapped[UUID | None]
    outlet_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    __table_args__ = (
        CheckConstraint("capacity IN ('primary_rm', 'assistant')", name="capacity"),
        CheckConstraint("valid_to > valid_from", name="interval"),
        Index("ix_book_assignment_staff", "staff_id", "capacity", "valid_from", postgresql_where=text("staff_id IS NOT NULL")),
        Index("ix_book_assignment_outlet_id", "outlet_id", "customer_id"),
        Index("ix_book_assignment_valid_from", "valid_from"),
    )


class BookAlias(CommonBase):
    """A merged customer: records written against `old_id` are read as `survivor_id`'s while the alias is valid."""

    __tablename__ = "book_alias"
    old_id: Mapped[UUID] = mapped_column(primary_key=True)
    survivor_id: Mapped[UUID]
    valid_from: Mapped[datetime] = mapped_column(_Instant, primary_key=True)
    valid_to: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (Index("ix_book_alias_survivor_id", "survivor_id"),)


DIRECTORY_TABLES: tuple[Table, ...] = tuple(
    cast("Table", model.__table__)
    for model in (DirectoryOutlet, DirectoryStaff, DirectoryClient, DirectoryRole, BookAssignment, BookAlias)
)
