"""The table of contact preferences."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class ContactPreferencesRow(Base):
    """One row a customer who agreed on anything. `agreed`: by field, {on, method, recorded_by, data_origin}.

    Quiet hours are local times HH:MM, from inclusive, to exclusive, and may pass midnight.
    """

    __tablename__ = "contact_preferences"
    __table_args__ = (
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="quiet_hours"),
        CheckConstraint("(max_contacts IS NULL) = (per_days IS NULL)", name="contact_limits"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    version: Mapped[int]
    preferred_channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    quiet_from: Mapped[str | None]
    quiet_to: Mapped[str | None]
    max_contacts: Mapped[int | None]
    per_days: Mapped[int | None]
    agreed: Mapped[dict[str, Any]] = mapped_column(JSONB)
