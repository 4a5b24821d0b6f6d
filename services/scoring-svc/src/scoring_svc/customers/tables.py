"""The replica: a table for each facet, whatever comes first."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class CustomerFactsRow(Base):
    """The file. `known_since`: the business date on which it first came."""

    __tablename__ = "customer_facts"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    customer_type: Mapped[str]
    birth_date: Mapped[date | None]
    known_since: Mapped[date]


class CustomerAgreementsRow(Base):
    """The agreements. `detail` is what `CustomerFacts` reads of them."""

    __tablename__ = "customer_agreements"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CustomerClassificationRow(Base):
    """The classification. `tier` None: the customer has none any more."""

    __tablename__ = "customer_classification"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    tier: Mapped[str | None]
