"""A database of customer-svc with three customers (1 to 3) who hold the accounts A0, A1 and A2."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from customer_svc.transactions import policy
from guanxi_common.db.uow import Database, create_engine
from guanxi_testing.databases import TestServer


@pytest.fixture
async def database(postgres: TestServer) -> AsyncIterator[Database]:
    async with postgres.service_database("customer_svc") as url:
        database = Database(create_engine(url, pool_size=8))
        async with database.transaction() as uow:
            for number, holder in enumerate(UUID(int=one) for one in range(1, 4)):
                await uow.driver.execute(
                    "INSERT INTO customer (id, source, customer_number, customer_type, name, name_terms, language, outlet_id,"
                    " data_origin, version, created_at, updated_at) VALUES ($1, 'core', $2, 'individual', 'x', '{}', 'en', $3,"
                    " 'generated', 1, now(), now())",
                    holder,
                    str(number),
                    uuid4(),
                )
                await uow.driver.execute(
                    "INSERT INTO account (id, source, account_number, customer_id, product_code, currency, opened_on)"
                    " VALUES ($1, 'core', $2, $3, 'current', 'CNY', '2020-01-01')",
                    policy.account_id("core", f"A{number}"),
                    f"A{number}",
                    holder,
                )
            await uow.commit()
        yield database
        await database.dispose()
