"""`directory.snapshots`: the product catalogue."""

from collections.abc import Sequence

import msgspec
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import Envelope, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError

from scoring_svc.products import repository
from scoring_svc.products.policy import Product

PRODUCT_SNAPSHOT = "guanxi.product.snapshot.v1"


async def replicate_products(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Keep the snapshots; one that cannot be read as a product is a dead letter and leaves the last good one."""
    events = newest_of_each_key(events)
    told = [event for event in events if event.data is not None]
    for event in told:
        try:
            msgspec.convert(event.data, Product)
        except msgspec.ValidationError as error:
            raise PermanentError("invalid_snapshot", event.type, event_id=event.id) from error
    await repository.apply_products(uow, [(str(event.data["code"]), event.version, event.data) for event in told if event.data])
    await repository.remove_products(uow, [event.key.rpartition(":")[2] for event in events if event.data is None])
