"""Leave customers to the job that reviews their tiers."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork


async def mark_due(uow: UnitOfWork, customer_ids: Collection[UUID], now: datetime) -> None:
    """Have the tiers looked at once this transaction is durable. To be called before it stores what it changes.

    The row stays locked until then: a review under way either sees the change, or is over and leaves the row to be found again.
    """
    await uow.driver.execute(
        "INSERT INTO tier_due (customer_id, since) SELECT customer_id, $2 FROM unnest($1::uuid[]) AS due (customer_id)"
        " ON CONFLICT (customer_id) DO UPDATE SET since = EXCLUDED.since",
        sorted(set(customer_ids)),
        now,
    )
