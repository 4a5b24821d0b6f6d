"""The clients that stood among staff move, and get the sources that have reported so far where it is beyond doubt whose these are."""

from uuid import UUID

import pytest
from guanxi_common.db.migrate import migrate
from guanxi_common.db.uow import Database, create_engine

pytestmark = pytest.mark.anyio

BEFORE = "20261128_1432"
STAFF = "INSERT INTO directory_staff (id, issuer, subject, name, role, active, version) VALUES ($1, 'iss', $2, $2, $3, true, 4)"


@pytest.mark.parametrize(("clients", "sources"), [(["core"], ["cards", "core"]), (["core", "cards"], [])])
async def test_d19_clients_move_with_their_sources(postgres, clients, sources):
    async with postgres.database() as url:
        await migrate(url, "customer_svc", BEFORE)
        database = Database(create_engine(url, pool_size=1))
        async with database.transaction() as uow:
            for number, subject in enumerate(clients):
                await uow.driver.execute(STAFF, UUID(int=number), subject, "core_banking")
            await uow.driver.execute(STAFF, UUID(int=9), "rm", "relationship_manager")
            for number, source in enumerate(("core", "cards", "core")):
                await uow.driver.execute(
                    "INSERT INTO posting (account_id, external_id, state, source, account_number, recorded_at)"
                    " VALUES ($1, 'T', 'parked', $2, 'A', now())",
                    UUID(int=number),
                    source,
                )
            await uow.commit()
        await database.dispose()
        await migrate(url, "customer_svc")
        async with database.transaction(readonly=True) as uow:
            moved = await uow.driver.fetch("SELECT client_id, sources, version FROM directory_client ORDER BY id")
            left = await uow.driver.fetch("SELECT subject FROM directory_staff")
        await database.dispose()
    assert [tuple(row) for row in moved] == [(subject, sources, 4) for subject in clients]
    assert [row["subject"] for row in left] == ["rm"]
