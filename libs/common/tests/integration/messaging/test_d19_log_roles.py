"""D19: on the embedded log each service has a role of its own, which writes to its own topics and moves its own positions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from guanxi_common.db.embedded import OWNER
from guanxi_common.db.roles import _GIVE, BUS_ROLE, role_of
from guanxi_common.messaging.bus import BusError, Outgoing, Record, RecordRejected, TopicSpec
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.embedded.rights import grant_rights
from guanxi_common.messaging.partitioner import partition_of
from guanxi_contracts.topics import topic_specs
from guanxi_testing.databases import TestServer

pytestmark = pytest.mark.anyio

Read = Callable[..., Awaitable[list[Record]]]
SERVICES = ("customer", "engagement", "scoring")
DIRECTORY, ACTIVITIES = "directory.snapshots", "engagement.activities"
STRANGER = "guanxi_stranger"
FORGED = Outgoing(DIRECTORY, b"staff:1", b"{}")


@dataclass
class Log:
    """One log, and its URL for each role."""

    urls: dict[str, str]

    async def bus(self, role: str) -> EmbeddedBus:
        return await EmbeddedBus.open(self.urls[role])


@pytest.fixture(scope="module")
async def log(postgres: TestServer) -> AsyncIterator[Log]:
    """A log of version 1 with a record in it, given to its owner, with the rights that `guanxi run` gives the services."""
    async with postgres.database() as url:
        name = urlsplit(url).path.removeprefix("/")
        await _version_1(url)
        roles = (*(role_of(service) for service in SERVICES), STRANGER)
        admin = await asyncpg.connect(urlunsplit(urlsplit(postgres.admin_url)._replace(path=f"/{name}")))
        for role in (BUS_ROLE, *roles):
            if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role}")
            if role != BUS_ROLE:
                await admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD 'of-the-role'")
        await admin.execute(f"GRANT {BUS_ROLE} TO {OWNER}")
        await admin.execute(f'ALTER DATABASE "{name}" OWNER TO {BUS_ROLE}')
        await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await admin.execute(_GIVE.format(owner=BUS_ROLE, former=OWNER))
        await admin.close()
        for _ in range(2):  # each start does it again
            services = {role_of(service): f"{service}-svc" for service in SERVICES}
            await grant_rights(f"{url}?role={BUS_ROLE}", name, services, test=True)
        yield Log({role: _as(url, role) for role in roles} | {OWNER: url})


async def _version_1(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(files("guanxi_common.messaging.embedded").joinpath("schema.sql").read_text())
    await connection.execute(
        "INSERT INTO topic (name, partitions, cleanup) VALUES ('directory.snapshots', 4, 'compact');"
        "INSERT INTO log (topic_id, partition) SELECT 1, number FROM generate_series(0, 3) AS number"
    )
    partition = partition_of(b"staff:1", 4) + 1
    await connection.execute(
        "SELECT append(ARRAY[$1::int], '{1}', '{1}', '{0}', $2, $3, $4)", partition, [b"staff:1"], [b"of version 1"], [b"\x90"]
    )
    await connection.close()


def _as(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:of-the-role@{parts.hostname}:{parts.port}"))


async def _outcome(bus: EmbeddedBus, *records: Outgoing) -> list[BusError | None]:
    producer = await bus.producer()
    return await producer.send(records)


async def test_d19_a_service_appends_to_its_own_topics_and_no_others(log: Log, read: Read) -> None:
    customer, engagement = await log.bus(role_of("customer")), await log.bus(role_of("engagement"))
    [refused] = await _outcome(engagement, FORGED)
    assert isinstance(refused, RecordRejected)
    assert await _outcome(customer, Outgoing(DIRECTORY, b"staff:1", b"genuine")) == [None]
    assert await _outcome(engagement, Outgoing(ACTIVITIES, b"c", b"{}")) == [None]
    mixed = await _outcome(engagement, Outgoing(ACTIVITIES, b"c", b"{}"), FORGED)
    assert all(isinstance(outcome, RecordRejected) for outcome in mixed)  # one fate; the relay sends each again alone
    consumer = await engagement.consumer(group="engagement-svc", topics=[DIRECTORY])
    assert [record.value for record in await read(consumer, 2)] == [b"of version 1", b"genuine"]
    await consumer.close()
    for bus in (customer, engagement):
        await bus.close()


async def test_d19_a_service_makes_sure_of_topics_and_keeps_the_log_as_their_rules_say(log: Log) -> None:
    engagement = await log.bus(role_of("engagement"))
    await engagement.ensure_topics(topic_specs(test=True))
    with pytest.raises(BusError, match="only the log's owner"):
        await engagement.ensure_topics([TopicSpec("engagement.own", 1)])
    await engagement.maintain(tombstone_retention_ms=0)
    await engagement.close()


STATEMENTS = {
    "a record beside the function": "INSERT INTO record SELECT log_id, 1000, key, value, headers, 0 FROM record LIMIT 1",
    "a change of a record": "UPDATE record SET value = 'forged'",
    "a deletion of records": "DELETE FROM record",
    "a move of a partition's end": "UPDATE log SET next_offset = 0",
    "a right for itself": "INSERT INTO writer SELECT session_user, id FROM topic",
    "another topic": "INSERT INTO topic (name, partitions, cleanup) VALUES ('x', 1, 'delete')",
    "another function": "CREATE OR REPLACE FUNCTION now_ms() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    "a table of its own": "CREATE TABLE record2 (id integer)",
    "the owner's role": f"SET ROLE {BUS_ROLE}",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_d19_a_service_has_no_other_way_to_write(log: Log, statement: str) -> None:
    connection = await asyncpg.connect(log.urls[role_of("engagement")])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_d19_tombstones_stay_for_a_day_whatever_a_service_asks(log: Log) -> None:
    customer = await log.bus(role_of("customer"))
    key = uuid4().bytes
    assert await _outcome(customer, Outgoing(DIRECTORY, key, None)) == [None]
    await customer.maintain(tombstone_retention_ms=0)
    owner = await asyncpg.connect(log.urls[OWNER])
    assert await owner.fetchval("SELECT count(*) FROM record WHERE key = $1", key) == 1
    await owner.close()
    await customer.close()


async def test_d19_nobody_moves_anothers_positions(log: Log) -> None:
    engagement, scoring = await log.bus(role_of("engagement")), await log.bus(role_of("scoring"))
    consumer = await scoring.consumer(group="scoring-svc", topics=[DIRECTORY])
    connection = await asyncpg.connect(log.urls[role_of("engagement")])
    assert await connection.fetchval("SELECT count(*) FROM lease WHERE group_name = 'scoring-svc'") == 0  # not even seen
    assert await connection.execute("UPDATE lease SET committed = 1000 WHERE group_name = 'scoring-svc'") == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await engagement.consumer(group="scoring-svc", topics=[DIRECTORY])
    await connection.close()
    await consumer.close()
    for bus in (engagement, scoring):
        await bus.close()


async def test_d19_a_role_without_rights_does_not_reach_the_log(log: Log) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(log.urls[STRANGER])
