"""A member's place in its group: the lease that keeps it alive, and the partitions it holds.

All changes of hands run under the lock of the group's row, on the server's clock. A member whose lease has run out is expelled by
the next one that looks; each hold has an epoch, and a commit names it, so that a former holder's commit finds no row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.embedded.database import Connection, Pool, reported
from guanxi_common.messaging.embedded.shares import Seat, share_of
from guanxi_common.messaging.embedded.wakeups import group_sign, notify_in


@dataclass(frozen=True, slots=True)
class Hold:
    """A partition as its holder knows it; `committed` is the group's position when it was taken."""

    log_id: int
    epoch: int
    committed: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at the group told: what the member holds now, and what it should give up."""

    holds: Mapping[TopicPartition, Hold]
    surplus: frozenset[int]


class Membership:
    """One member of one group. Every method is one transaction and raises `BusUnavailable`."""

    def __init__(self, pool: Pool, *, group: str, member: UUID, topic_ids: Sequence[int], lease_seconds: float) -> None:
        self.group = group
        self._pool = pool
        self._member = member
        self._topic_ids = list(topic_ids)
        self._lease_seconds = lease_seconds
        self._generation = -1

    async def take_part(self) -> Standing:
        """Join or stay, expel the dead, take what is free and due. Gives nothing up: see `release`."""
        with reported():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock_group(connection)
                changed = await self._renew(connection)
                changed |= await self._expel(connection)
                members = {
                    row["id"]: row["topic_ids"]
                    for row in await connection.fetch("SELECT id, topic_ids FROM member WHERE group_name = $1", self.group)
                }
                seats = await self._seats(connection)
                share = share_of(self._member, members, seats)
                await self._claim(connection, share.claim)
                generation = await self._publish(connection, changed)
                holds = await self._holds(connection)
        self._generation = generation
        return Standing(holds, share.release)

    async def release(self, log_ids: Collection[int]) -> None:
        """Give these partitions up and tell the group."""
        with reported():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock_group(connection)
                await connection.execute(_FREE, self.group, [self._member], list(log_ids))
                await self._publish(connection, changed=True)

    async def keep_alive(self) -> bool:
        """Extend the lease; True if the group has changed and the member should `take_part` again."""
        with reported():
            row = await self._pool.fetchrow(_KEEP_ALIVE, self._member, self.group, self._lease_seconds)
        return row is None or not row["alive"] or row["expired"] or row["generation"] != self._generation

    async def commit(self, offsets: Mapping[int, tuple[int, int]]) -> set[int]:
        """Store `log_id → (epoch, offset)`; returns the partitions for which the member still holds the lease."""
        logs = sorted(offsets)
        with reported():
            rows = await self._pool.fetch(
                "SELECT commit_offsets($1, $2, $3, $4, $5) AS log_id",
                *(self.group, self._member, logs, [offsets[log][0] for log in logs], [offsets[log][1] for log in logs]),
            )
        return {row["log_id"] for row in rows}

    async def leave(self) -> None:
        """Free everything at once."""
        with reported():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock_group(connection)
                await self._remove(connection, [self._member])
                await self._publish(connection, changed=True)

    async def _lock_group(self, connection: Connection) -> None:
        if await connection.fetchval("SELECT 1 FROM consumer_group WHERE name = $1 FOR NO KEY UPDATE", self.group) is None:
            await connection.execute("INSERT INTO consumer_group (name) VALUES ($1) ON CONFLICT DO NOTHING", self.group)
            await connection.execute("SELECT 1 FROM consumer_group WHERE name = $1 FOR NO KEY UPDATE", self.group)

    async def _renew(self, connection: Connection) -> bool:
        """Extend the lease, or join; True if joined."""
        joined: bool = await connection.fetchval(_RENEW, self._member, self.group, self._topic_ids, self._lease_seconds)
        if joined:
            await connection.execute(_MAKE_SEATS, self.group, self._topic_ids)
        return joined

    async def _expel(self, connection: Connection) -> bool:
        dead = [row["id"] for row in await connection.fetch(_EXPIRED, self.group)]
        if dead:
            await self._remove(connection, dead)
        return bool(dead)

    async def _remove(self, connection: Connection, members: Sequence[UUID]) -> None:
        await connection.execute(_FREE, self.group, members, None)
        await connection.execute("DELETE FROM member WHERE id = ANY($1)", members)

    async def _seats(self, connection: Connection) -> list[Seat]:
        return [Seat(row["log_id"], row["topic_id"], row["member_id"]) for row in await connection.fetch(_SEATS, self.group)]

    async def _claim(self, connection: Connection, log_ids: Collection[int]) -> None:
        if log_ids:
            await connection.execute(_CLAIM, self.group, self._member, list(log_ids))

    async def _publish(self, connection: Connection, changed: bool) -> int:
        """Count the change and wake the other members; returns the generation."""
        if changed:
            await notify_in(connection, group_sign(self.group))
        generation: int = await connection.fetchval(
            "UPDATE consumer_group SET generation = generation + $2 WHERE name = $1 RETURNING generation",
            self.group,
            int(changed),
        )
        return generation

    async def _holds(self, connection: Connection) -> dict[TopicPartition, Hold]:
        return {
            TopicPartition(row["name"], row["partition"]): Hold(row["log_id"], row["epoch"], row["committed"])
            for row in await connection.fetch(_HOLDS, self.group, self._member)
        }


_RENEW = """
INSERT INTO member AS m (id, group_name, topic_ids, lease_until)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
RETURNING xmax = 0
"""
_KEEP_ALIVE = """
WITH beat AS (
    UPDATE member SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE id = $1 RETURNING 1
)
SELECT generation, EXISTS (SELECT 1 FROM beat) AS alive,
    EXISTS (SELECT 1 FROM member WHERE group_name = $2 AND id <> $1 AND lease_until < clock_timestamp()) AS expired
FROM consumer_group WHERE name = $2
"""
_EXPIRED = "SELECT id FROM member WHERE group_name = $1 AND lease_until < clock_timestamp()"
_MAKE_SEATS = """
INSERT INTO lease (group_name, log_id)
SELECT $1, id FROM log WHERE topic_id = ANY($2) ORDER BY id
ON CONFLICT DO NOTHING
"""
_SEATS = """
SELECT lease.log_id, log.topic_id, lease.member_id FROM lease JOIN log ON log.id = lease.log_id WHERE lease.group_name = $1
"""
_CLAIM = """
UPDATE lease SET member_id = $2, epoch = epoch + 1 WHERE group_name = $1 AND log_id = ANY($3) AND member_id IS NULL
"""
# In the order in which commits take these rows, lest the two deadlock.
_FREE = """
WITH held AS (
    SELECT log_id FROM lease
    WHERE group_name = $1 AND member_id = ANY($2) AND ($3::integer[] IS NULL OR log_id = ANY($3))
    ORDER BY log_id FOR UPDATE
)
UPDATE lease SET member_id = NULL FROM held WHERE lease.group_name = $1 AND lease.log_id = held.log_id
"""
_HOLDS = """
SELECT topic.name, log.partition, lease.log_id, lease.epoch, lease.committed
FROM lease JOIN log ON log.id = lease.log_id JOIN topic ON topic.id = log.topic_id
WHERE lease.group_name = $1 AND lease.member_id = $2
"""
