"""The epoch of the service that owns this database (D20)."""

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.envelope import FIRST_EPOCH


async def epoch_in_force(uow: UnitOfWork) -> int:
    """The epoch that the transaction's changes and snapshots carry; the first one, until `guanxi restored` has raised it."""
    return await uow.driver.fetchval("SELECT coalesce(max(epoch), $1) FROM owner_epoch", FIRST_EPOCH)  # type: ignore[no-any-return]
