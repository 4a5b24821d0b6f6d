"""On the embedded server a service's role reaches its own database, reads or makes the keys, shares the log, and enters nothing else."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import asyncpg
import pytest
from guanxi_common.backup import programs
from guanxi_common.clock import SystemClock
from guanxi_common.db.embedded import EmbeddedPostgres
from guanxi_common.db.roles import role_of, separate
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.ids import new_id
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_contracts.topics import topic_specs
from guanxi_operator.deployment import share_log

pytestmark = pytest.mark.anyio

SERVICES = ("customer", "engagement", "scoring")
BEFORE = """
CREATE TABLE kept (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz) PARTITION BY RANGE (id);
CREATE SEQUENCE number;
CREATE VIEW seen AS SELECT id FROM kept;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TYPE mood AS ENUM ('calm')
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Databases as a release with one role for all left them, and separated since, twice."""
    folder = Path(tempfile.mkdtemp(prefix="guanxi-roles-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    server.start()
    try:
        for name in (*SERVICES, "keys", "bus"):
            server.create_database(f"guanxi_{name}")
        for statement in BEFORE.split(";\n"):
            server.query(f"SET ROLE guanxi; {statement}", database="guanxi_scoring")
        separate(server, SERVICES)
        separate(server, SERVICES)
        yield server
    finally:
        server.delete()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def connected(server: EmbeddedPostgres, database: str, role: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(server.url(f"guanxi_{database}", role))
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_role_owns_what_is_its_services_also_what_was_there_before(server: EmbeddedPostgres) -> None:
    async with connected(server, "scoring", role_of("scoring")) as connection:
        await connection.execute("CREATE TABLE kept_1 PARTITION OF kept FOR VALUES FROM (0) TO (100)")
        await connection.execute("INSERT INTO kept (at) VALUES (now())")
        for kind, name in (("VIEW", "seen"), ("FUNCTION", "refuse"), ("TYPE", "mood"), ("SEQUENCE", "number"), ("TABLE", "kept")):
            await connection.execute(f"DROP {kind} {name}")


@pytest.mark.parametrize(
    ("role", "database"), [(role, database) for role in SERVICES for database in SERVICES if role != database]
)
async def test_a_role_enters_no_other_services_database(server: EmbeddedPostgres, role: str, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connected(server, database, role_of(role)):
            pass


async def test_the_operators_role_goes_on_working_everywhere(server: EmbeddedPostgres) -> None:
    for database in (*SERVICES, "keys", "bus"):
        async with connected(server, database, "guanxi") as connection:
            await connection.execute("CREATE TABLE by_operator (id int); DROP TABLE by_operator")


async def test_customer_svc_makes_keys_and_the_others_read_them(server: EmbeddedPostgres) -> None:
    stores = {
        service: DatabaseKeyStore(
            Database(create_engine(server.url("guanxi_keys", role_of(service)))), LocalKeyWrapper({"1": b"m" * 32}), SystemClock()
        )
        for service in SERVICES
    }
    try:
        await stores["customer"].create_schema()
        customer = new_id()
        made = await stores["customer"].create(customer)
        for reader in ("engagement", "scoring"):
            await stores[reader].create_schema()
            assert await stores[reader].get(customer) == made
            assert await stores[reader].missing_masters() == ()
            for attempt in (stores[reader].create(new_id()), stores[reader].delete(customer)):
                with pytest.raises(Exception, match="permission denied"):
                    await attempt
    finally:
        for store in stores.values():
            await store.close()


async def test_a_restore_leaves_rights_behind_so_that_any_server_can_take_the_dump(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with connected(server, "keys", role_of("customer")) as connection:
        await connection.execute("CREATE TABLE granted (id int)")
    async with connected(server, "keys", "guanxi") as connection, connection.transaction(isolation="repeatable_read"):
        assert await connection.fetchval("SELECT relacl IS NOT NULL FROM pg_class WHERE relname = 'granted'")
        snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        await programs.dump(server.url("guanxi_keys"), snapshot, tmp_path / "keys.dump")
    server.create_database("guanxi_restored")
    await programs.restore(server.url("guanxi_restored"), tmp_path / "keys.dump")
    async with connected(server, "restored", "guanxi") as connection:
        assert await connection.fetchval("SELECT relacl IS NULL FROM pg_class WHERE relname = 'granted'")
        assert await connection.fetchval("SELECT count(*) FROM pg_default_acl") == 0


async def test_d19_all_share_the_log_and_none_owns_it(server: EmbeddedPostgres) -> None:
    """Who may write what is held in test_d19_log_roles."""
    share = partial(share_log, server, SERVICES, few_partitions=True)
    await anyio.to_thread.run_sync(share)
    await anyio.to_thread.run_sync(share)
    for service in SERVICES:
        bus = await EmbeddedBus.open(server.url("guanxi_bus", role_of(service)))
        await bus.ensure_topics(topic_specs(test=True, service=f"{service}-svc"))
        producer = await bus.producer()
        outcomes = await producer.send([Outgoing("engagement.activities", b"key", b"value")])
        assert (outcomes == [None]) is (service == "engagement")
        consumer = await bus.consumer(group=f"{service}-svc", topics=["engagement.activities"])
        polled = await consumer.poll(max_records=10, timeout=0.2 if service == "customer" else 10)
        assert sum(len(records) for records in polled.values()) == (service != "customer")
        await consumer.close()
        await bus.close()
        async with connected(server, "bus", role_of(service)) as connection:
            assert not await connection.fetchval("SELECT pg_has_role('guanxi_bus', 'MEMBER')")
