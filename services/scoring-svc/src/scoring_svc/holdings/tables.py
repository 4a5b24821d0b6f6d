"""One row an account."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class HoldingRow(Base):
    """Null where no event has told it yet: events of an account may come in any order. Money in minor units of `currency`.

    `product_recorded_at`: since when this product is known here, null if always. The revisions are those of the facts that stand.
    """

    __tablename__ = "holding"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_code: Mapped[str | None]
    currency: Mapped[str | None]
    opened_on: Mapped[date | None]
    matures_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    balance_minor: Mapped[int | None] = mapped_column(BigInteger)
    balance_as_of: Mapped[date | None]
    product_recorded_at: Mapped[datetime | None]
    opening_revision: Mapped[int | None] = mapped_column(BigInteger)
    status_revision: Mapped[int | None] = mapped_column(BigInteger)
    balance_revision: Mapped[int | None] = mapped_column(BigInteger)
