"""Make the snapshot of a customer from the file's own facts and from what the slices hold."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.store import DataKey
from guanxi_common.security.fields import Place, seal_json

from customer_svc.snapshots import repository
from customer_svc.snapshots.events import CustomerSnapshot


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the customer's file itself gives to the snapshot."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    name: str
    birth_date: date | None


async def read_snapshot(uow: UnitOfWork, key: DataKey, file: FileFacts) -> CustomerSnapshot:
    """The snapshot as everything stands that is stored. The caller has locked the customer's row."""
    birth_date = file.birth_date.isoformat() if file.birth_date else None
    sealed = {"display_name": file.name, "birth_date": birth_date}
    return CustomerSnapshot(
        customer_id=file.customer_id,
        customer_type=file.customer_type,
        outlet_id=file.outlet_id,
        language=file.language,
        sealed=seal_json(sealed, key, Place("customer.snapshots", "sealed", file.customer_id)),
        **await repository.read_standing(uow, file.customer_id),
    )
