"""The replica's one table."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class CustomerFactsRow(Base):
    """`detail` is what `CustomerFacts` reads, beside the columns. `known_since`: the business date of the first snapshot."""

    __tablename__ = "customer_facts"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    customer_type: Mapped[str]
    birth_date: Mapped[date | None]
    known_since: Mapped[date]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
