"""The replica: a table for each facet, whatever comes first. Who looks after a customer stands in `book_assignment`."""

from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class CustomerRow(Base):
    """The file: what lists show of a customer."""

    __tablename__ = "customer"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_type: Mapped[str]
    outlet_id: Mapped[UUID]
    language: Mapped[str]
    name: Mapped[str | None]
    birth_date: Mapped[date | None]
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class CustomerAgreementsRow(Base):
    """The agreements: what the contact rules need.

    At most `max_contacts` in `contact_period_days`, if the customer has agreed to a limit; `consents`: list of {purpose, channel,
    granted, since}; of `preferred_channels` the first is the dearest. From `quiet_from` until `quiet_to` (local times, may pass midnight)
    the customer does not want to be contacted.
    """

    __tablename__ = "customer_agreements"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    max_contacts: Mapped[int | None]
    contact_period_days: Mapped[int | None]
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    consents: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    preferred_channels: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
