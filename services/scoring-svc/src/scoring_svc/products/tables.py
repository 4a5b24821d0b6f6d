"""The replica's one table."""

from typing import Any

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scoring_svc.database import Base


class ProductRow(Base):
    """`detail` is what `Product` reads of the snapshot."""

    __tablename__ = "product"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
