"""The replica of customers follows an owner that was restored."""

from typing import Any

import pytest
from engagement_svc.customers.consumers import FILES
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Version

pytestmark = pytest.mark.anyio


async def test_d20_the_replica_takes_a_lower_version_of_a_later_epoch_and_an_old_one_never(branch: Any) -> None:
    """The owner was at version 9, was restored to 5 and counts on in its second epoch."""
    steps = [("before", 9, 1, "before"), ("after", 6, 2, "after"), ("late", 10, 1, "after"), ("again", 6, 2, "again")]
    async with branch.database.transaction() as uow:
        for name, version, epoch, kept in steps:
            await keep(uow, FILES, [(branch.customer, Version(epoch, version), ("person", branch.outlet, "zh", name, None))])
            assert await uow.driver.fetchval("SELECT name FROM customer WHERE customer_id = $1", branch.customer) == kept
