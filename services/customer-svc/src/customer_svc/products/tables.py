"""The tables of the catalogue."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class ProductRow(Base):
    """`version` is the newest one, `published_version` the one that was last told; 0: none yet."""

    __tablename__ = "product"

    code: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[str]
    currency: Mapped[str]
    version: Mapped[int]
    published_version: Mapped[int]


class ProductVersionRow(Base):
    """Never changed once stored. On a day the version with the highest number that has begun is in force."""

    __tablename__ = "product_version"
    __table_args__ = (CheckConstraint("valid_to >= valid_from", name="interval"),)

    code: Mapped[str] = mapped_column(ForeignKey("product.code"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[dict[str, Any]] = mapped_column(JSONB)
    risk_class: Mapped[int]
    margin_bp: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    eligibility: Mapped[dict[str, Any]] = mapped_column(JSONB)
    consent_purpose: Mapped[str]
    links: Mapped[list[Any]] = mapped_column(JSONB)
    holds_from_account_codes: Mapped[list[Any]] = mapped_column(JSONB)
    talking_points: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
