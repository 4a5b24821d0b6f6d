"""D8: an erasure goes by the registry."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.erasure.registry import PersonalTable, erase_rows
from guanxi_common.erasure.tables import ERASURE_TABLES
from guanxi_common.security.directory.tables import DIRECTORY_TABLES
from guanxi_common.set_aside.tables import SET_ASIDE_TABLES

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ASIDE = (
    "INSERT INTO set_aside_item (id, queue, item, attempts, reason, error, first_failed_at, last_failed_at)"
    " VALUES (gen_random_uuid(), $1, $2, 3, 'ValueError', 'ValueError', now(), now())"
)


async def test_d8_rows_go_are_blanked_or_stay_as_declared_and_what_was_set_aside_goes_with_the_customer(
    empty_database: str,
) -> None:
    database = Database(create_engine(empty_database, pool_size=2))
    tables = [*ERASURE_TABLES, *DIRECTORY_TABLES, *SET_ASIDE_TABLES]
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=tables))
        for table in ("gone", "blanked", "kept"):
            await connection.exec_driver_sql(f"CREATE TABLE {table} (customer_id uuid, name text)")
    erased, other = uuid4(), uuid4()
    declared = [
        PersonalTable("gone", holds="dealings", purpose="service"),
        PersonalTable("blanked", "anonymise", "counted", blank={"name": "''"}, until="ever", holds="dealings", purpose="service"),
        PersonalTable("kept", "keep", "an id", until="ever", holds="reference", purpose="operation"),
    ]
    async with database.transaction() as uow:
        for customer in (erased, other):
            for table in ("gone", "blanked", "kept"):
                await uow.driver.execute(f"INSERT INTO {table} VALUES ($1, 'Li')", customer)  # noqa: S608  # names of the test
            for queue in ("score", "plan"):
                await uow.driver.execute(ASIDE, queue, str(customer))
        await uow.driver.execute(ASIDE, "products", "current")
        for fresh in ([erased], []):
            assert await erase_rows(uow, declared, [erased], NOW) == fresh

        async def rows(table: str, column: str) -> list[tuple[UUID | str, str]]:
            return [(row[0], row[1]) for row in await uow.driver.fetch(f"SELECT {column} FROM {table} ORDER BY 2, 1")]  # noqa: S608  # likewise

        assert await rows("gone", "customer_id, name") == [(other, "Li")]
        assert await rows("blanked", "customer_id, name") == [(erased, ""), (other, "Li")]
        assert sorted(row[0] for row in await rows("kept", "customer_id, name")) == sorted([erased, other])
        assert await rows("set_aside_item", "item, queue") == [
            (str(other), "plan"),
            ("current", "products"),
            (str(other), "score"),
        ]
    await database.dispose()
