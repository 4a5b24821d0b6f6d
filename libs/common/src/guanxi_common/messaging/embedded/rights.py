"""The embedded log's wall: one database role per service, with rights on its own topics and its own group (D19).

The log belongs to a role that no service has (`db.roles`). A service's role reads everything, appends by the function that asks who
calls, and moves the positions of its own consumer groups.
"""

from collections.abc import Mapping

import asyncpg
from guanxi_contracts.topics import load_topics, topic_specs

from guanxi_common.messaging.embedded.bus import EmbeddedBus

_WRITES = """
INSERT INTO writer (role, topic_id) SELECT $1, id FROM topic WHERE name = ANY($2::text[]) ON CONFLICT DO NOTHING
"""
_READS = """
INSERT INTO reader (role, group_prefix) VALUES ($1, $2)
ON CONFLICT (role) DO UPDATE SET group_prefix = excluded.group_prefix
"""


async def grant_rights(owner_url: str, database: str, roles: Mapping[str, str], *, test: bool) -> None:
    """Install the log with all its topics, and give each role (role → service) what it may do; may be repeated.

    `owner_url` is that of the log's owner.
    """
    bus = await EmbeddedBus.open(owner_url)
    try:
        await bus.ensure_topics(topic_specs(test=test))
    finally:
        await bus.close()
    connection = await asyncpg.connect(owner_url)
    try:
        async with connection.transaction():
            await connection.execute("DELETE FROM writer")
            for role, service in roles.items():
                await _grant(connection, database, role, service)
    finally:
        await connection.close()


async def _grant(connection: "asyncpg.Connection[asyncpg.Record]", database: str, role: str, service: str) -> None:
    await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {role}')
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    await connection.execute(f"GRANT INSERT, UPDATE, DELETE ON consumer_group, member, lease TO {role}")
    written = [topic.name for topic in load_topics().values() if service in topic.producers]
    await connection.execute(_WRITES, role, written)
    await connection.execute(_READS, role, service)
