"""The replicas of customers and products follow an owner that was restored."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Version
from scoring_svc.customers.consumers import FILES
from scoring_svc.products.repository import apply_products

pytestmark = pytest.mark.anyio
STEPS = [("before", Version(1, 9), "before"), ("after", Version(2, 6), "after"), ("late", Version(1, 10), "after")]


async def test_d20_both_replicas_take_a_lower_version_of_a_later_epoch_and_an_old_one_never(postgres: Any) -> None:
    """The owner was at version 9, was restored to 5 and counts on in its second epoch."""
    customer = uuid4()
    async with postgres.service_database("scoring_svc") as url:
        database = Database(create_engine(url, pool_size=1))
        async with database.transaction() as uow:
            for text, version, kept in STEPS:
                await keep(uow, FILES, [(customer, version, (text, None, date(2026, 1, 1)))])
                await apply_products(uow, [("DEP-12M", version, {"family": text})])
                assert await uow.driver.fetchval("SELECT customer_type FROM customer_facts") == kept
                assert await uow.driver.fetchval("SELECT detail ->> 'family' FROM product") == kept
        await database.dispose()
