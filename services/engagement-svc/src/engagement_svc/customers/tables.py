"""The replica's one table."""

from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class CustomerRow(Base):
    """What lists show and the contact rules need of a customer. Who looks after it stands in `book_assignment`.

    At most `max_contacts` in `contact_period_days`, if the customer has agreed to a limit; `consents`: list of {purpose, channel,
    granted, since}; of `preferred_channels` the first is the dearest. From `quiet_from` until `quiet_to` (local times, may pass midnight)
    the customer does not want to be contacted.
    """

    __tablename__ = "customer"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_type: Mapped[str]
    outlet_id: Mapped[UUID]
    language: Mapped[str]
    name: Mapped[str | None]
    birth_date: Mapped[date | None]
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    max_contacts: Mapped[int | None]
    contact_period_days: Mapped[int | None]
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    consents: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    preferred_channels: Mapped[list[str] | None] = mapped_column(JSONB)
