"""The customer replica."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class CustomerReplica:
    """What lists show; `name` and `birth_date` None where the customer's data key is gone."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    name: str | None
    birth_date: date | None
    version: int


async def apply_customers(uow: UnitOfWork, customers: Sequence[CustomerReplica]) -> None:
    """Insert or replace by newer versions."""
    await uow.driver.executemany(
        "INSERT INTO customer AS kept (customer_id, customer_type, outlet_id, language, name, birth_date, version)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (customer_id) DO UPDATE SET customer_type = EXCLUDED.customer_type,"
        " outlet_id = EXCLUDED.outlet_id, language = EXCLUDED.language, name = EXCLUDED.name, birth_date = EXCLUDED.birth_date,"
        " version = EXCLUDED.version WHERE kept.version < EXCLUDED.version",
        [(c.customer_id, c.customer_type, c.outlet_id, c.language, c.name, c.birth_date, c.version) for c in customers],
    )


async def forget_customers(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Delete the replicas of erased customers."""
    await uow.driver.execute("DELETE FROM customer WHERE customer_id = ANY($1::uuid[])", list(customer_ids))
