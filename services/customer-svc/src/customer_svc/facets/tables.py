"""The versions of the facets."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from customer_svc.database import Base


class CustomerFacetRow(Base):
    """The version that was last told of a facet (`policy.Facet`). It survives the erasure, whose tombstones have the last one."""

    __tablename__ = "customer_facet"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    facet: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
