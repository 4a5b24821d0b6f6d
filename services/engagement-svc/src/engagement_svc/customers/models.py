"""The replica's one table."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.tables import Base


class CustomerRow(Base):
    """What a list shows of a customer. Who looks after it stands in `book_assignment`."""

    __tablename__ = "customer"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_type: Mapped[str]
    outlet_id: Mapped[UUID]
    language: Mapped[str]
    name: Mapped[str | None]
    birth_date: Mapped[date | None]
    version: Mapped[int]
