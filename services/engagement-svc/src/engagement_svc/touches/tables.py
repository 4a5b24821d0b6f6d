"""How far the day's pass through the customers is."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from engagement_svc.database import Base


class TouchPassRow(Base):
    """One row a business date. `position`: the last customer whom the pass has reached; `finished_at`: it has reached all of them."""

    __tablename__ = "touch_pass"

    day: Mapped[date] = mapped_column(primary_key=True)
    position: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
