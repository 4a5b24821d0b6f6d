"""Tables of the customer file. `customer` is what staff search; `customer_contact` holds what is encrypted."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class CustomerRow(Base):
    """One row a customer. `name_terms` holds the search terms of `names.name_terms`, of the version `terms_version`.

    With `erased_at` no value is left.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("source", "customer_number"),
        Index("ix_customer_name_terms", "name_terms", postgresql_using="gin"),
        Index("ix_customer_stale_terms", "id", postgresql_where=text("terms_version < 2")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    customer_number: Mapped[str]
    customer_type: Mapped[str]
    name: Mapped[str]
    name_terms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    terms_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    birth_date: Mapped[date | None]
    sex: Mapped[str | None]
    language: Mapped[str]
    outlet_id: Mapped[UUID]
    data_origin: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class CustomerContactRow(Base):
    """Identity document and contact points, each sealed under the customer's data key, with blind indexes for exact search."""

    __tablename__ = "customer_contact"
    __table_args__ = (
        Index("ix_customer_contact_identity", "identity_index"),
        Index("ix_customer_contact_phones", "phones_index", postgresql_using="gin"),
        Index("ix_customer_contact_email", "email_index"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    identity_kind: Mapped[str | None]
    identity_sealed: Mapped[bytes | None]
    identity_index: Mapped[bytes | None]
    phones_sealed: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    phones_index: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    email_sealed: Mapped[bytes | None]
    email_index: Mapped[bytes | None]
    address_sealed: Mapped[bytes | None]
