"""Rebuild a service's replicas and ledgers from the bus: what a command asks for, and what the worker does about it.

A rebuild is of one topic, which the service's own consumer group reads again from its start. It is a row that goes by steps, each a
transaction, so that a kill loses none of them:
- *begin*: the group's positions are set to the log's start, with the offset at which each partition ends now, and the one at which
  the group stood. Of a compacted topic the versions, parked events and open dead letters go, as all of it is read again: from
  then on the inbox holds this generation alone. Of a topic whose records expire they stay, for they may be the only copies.
- *reading*: the consumer applies what lies below the place where it stood under `UnitOfWork.replaying`, as its effects have
  happened, and what it had not read yet as always. A log that was made anew meanwhile ends the rebuild without a conclusion.
- *clearing*: once all positions are past the log's end of then, and nothing of the topic waits as a dead letter or behind one, what
  the generation has not seen is removed, a chunk at a time; then the replica's own last work, then the end. A key that was seen
  in an older epoch only belongs to nobody any more: its owner has published all that it has in the newest.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.jobs import Job
from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.parts import PartProblem
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.principal import AuditContext, Purpose

_log = structlog.get_logger("guanxi.rebuilds")

CHUNK: Final = 5_000
"""Rows removed in one transaction."""

_REQUEST = "INSERT INTO rebuild (topic, requested_by) VALUES ($1, $2) ON CONFLICT (topic) WHERE finished_at IS NULL DO NOTHING"
_OPEN = """
SELECT id, topic, began_at, read_at, cleared_at FROM rebuild WHERE finished_at IS NULL ORDER BY requested_at, id LIMIT 1
"""
_TAKE = "SELECT cursor FROM rebuild WHERE id = $1 AND finished_at IS NULL FOR UPDATE SKIP LOCKED"
_PARTITIONS = "SELECT partition FROM consumer_position WHERE consumer = $1 AND topic = $2 ORDER BY partition"
_BEGIN = "UPDATE rebuild SET began_at = clock_timestamp(), records = $2 WHERE id = $1 AND began_at IS NULL"
# First of all: whoever moves a position now waits, and finds that it was moved.
_REWIND = """
UPDATE consumer_position AS kept SET position = log.first, read_until = log.until,
    replay_until = nullif(greatest(log.first, least(log.until, greatest(kept.position, kept.replay_until))), log.first)
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS log (partition, first, until)
WHERE kept.consumer = $1 AND kept.topic = $2 AND kept.partition = log.partition
"""
_FORGET = (
    "DELETE FROM inbox_version WHERE consumer = $1 AND topic = $2",
    "DELETE FROM inbox_parked WHERE consumer = $1 AND topic = $2",
    "DELETE FROM dead_letter WHERE consumer = $1 AND topic = $2 AND resolved_at IS NULL",
    "DELETE FROM partition_pause WHERE consumer = $1 AND topic = $2",
)
# What rests on the replica waits until it is whole; an operator's own pause stays as it is.
_HOLD = """
INSERT INTO partition_pause (consumer, topic, partition, reason, "limit")
SELECT consumer, topic, partition, 'rebuild', 0 FROM consumer_position WHERE consumer = $1 AND topic = ANY($2::text[])
ON CONFLICT (consumer, topic, partition) DO UPDATE SET since = now(), reason = 'rebuild', resumed_at = NULL, resumed_by = NULL
WHERE partition_pause.resumed_at IS NOT NULL
"""
_LET_GO = """
DELETE FROM partition_pause WHERE consumer = $1 AND topic = ANY($2::text[]) AND reason = 'rebuild'
    AND NOT EXISTS (SELECT FROM rebuild WHERE finished_at IS NULL)
"""
_CANCEL = (
    "UPDATE rebuild SET finished_at = clock_timestamp() WHERE finished_at IS NULL AND topic = ANY($1::text[]) RETURNING topic"
)
_UNREAD = "UPDATE consumer_position SET read_until = NULL WHERE topic = ANY($1::text[])"
_LET_ALL_GO = """
DELETE FROM partition_pause WHERE reason = 'rebuild' AND NOT EXISTS (SELECT FROM rebuild WHERE finished_at IS NULL)
"""
_READ_UNTIL = "SELECT partition, position, read_until FROM consumer_position WHERE consumer = $1 AND topic = $2"
_WAITING = """
SELECT EXISTS (SELECT FROM dead_letter WHERE consumer = $1 AND topic = $2 AND resolved_at IS NULL)
    OR EXISTS (SELECT FROM inbox_parked WHERE consumer = $1 AND topic = $2)
"""
_REMOVE = """
DELETE FROM {table} WHERE ctid IN (
    SELECT kept.ctid FROM {table} AS kept WHERE NOT EXISTS (
        SELECT FROM inbox_version AS seen WHERE seen.consumer = $1 AND seen.topic = $2 AND seen.key = {key}
            AND seen.epoch = (SELECT max(epoch) FROM inbox_version WHERE consumer = $1 AND topic = $2))
    AND EXISTS (SELECT FROM inbox_version WHERE consumer = $1 AND topic = $2) LIMIT $3)
"""
"""A topic of which nothing was seen has lost its records, so nothing is concluded from it."""
_END = "UPDATE consumer_position SET read_until = NULL WHERE consumer = $1 AND topic = $2"
_PROGRESS = """
SELECT r.topic, r.requested_at, r.began_at, r.read_at, r.cleared_at, r.finished_at, r.records, r.removed,
    (SELECT coalesce(sum(greatest(p.read_until - p.position, 0)), 0)::bigint FROM consumer_position AS p
     WHERE p.topic = r.topic) AS left_to_read,
    (SELECT count(*) FROM dead_letter AS d WHERE d.topic = r.topic AND d.resolved_at IS NULL) AS open_letters
FROM rebuild AS r ORDER BY r.requested_at DESC, r.topic LIMIT $1
"""

Settle = Callable[[UnitOfWork, str | None], Awaitable[str | None]]
"""A replica's last work, a bounded part of it in each call: from a cursor (None: the first) to the next one (None: done)."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What a service keeps of one topic and can make anew from it.

    `tables`: table → the record's key, as SQL on its row `kept`; a row whose key the topic no longer has is removed. Of a topic
    whose records expire nothing may be removed, so it names no tables: what is missing is added, and what is there stays.
    `holds`: topics whose events are judged by the replica; they wait while it is rebuilt.
    """

    topic: str
    tables: Mapping[str, str] = field(default_factory=dict)
    settle: Settle | None = None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is. `records` were to be read when it began; `left_to_read` of them are. Over before `cleared_at`: given up.

    Nothing is removed while dead letters of the topic are open.
    """

    topic: str
    requested_at: datetime
    began_at: datetime | None
    read_at: datetime | None
    cleared_at: datetime | None
    finished_at: datetime | None
    records: int | None
    removed: int
    left_to_read: int
    open_letters: int = 0


class LettersOpen(PartProblem):
    """A rebuild has read its topic, and cannot tell what the topic lacks before its dead letters are settled."""


async def request(uow: UnitOfWork, topics: Sequence[str], by: str) -> None:
    """Ask for rebuilds; one that is under way is left to go on. Audited as asked for by `by`."""
    for topic in topics:
        await uow.driver.execute(_REQUEST, topic, by)
        context = AuditContext(by, "rebuild", Purpose.OPERATIONS, None)
        await audit.record(uow, context, topic, ("replica",), subject_type="rebuild")


async def cancel(uow: UnitOfWork, topics: Sequence[str], by: str) -> None:
    """Give open rebuilds up: nothing is removed, and what rested goes on.

    What had been read before is read on up to where the group stood, without effects elsewhere.
    """
    for row in await uow.driver.fetch(_CANCEL, topics):
        await audit.record(
            uow, AuditContext(by, "cancelRebuild", Purpose.OPERATIONS, None), row[0], ("replica",), subject_type="rebuild"
        )
    await uow.driver.execute(_UNREAD, topics)
    await uow.driver.execute(_LET_ALL_GO)


async def list_progress(uow: UnitOfWork, limit: int = 20) -> list[Progress]:
    """The latest rebuilds first."""
    return [Progress(**dict(row)) for row in await uow.driver.fetch(_PROGRESS, limit)]


async def is_open(uow: UnitOfWork) -> bool:
    """Whether any replica of the service is being rebuilt, and may lack what it should have."""
    return bool(await uow.driver.fetchval("SELECT EXISTS (SELECT FROM rebuild WHERE finished_at IS NULL)"))


def waiting_for_rebuilds(job: Job) -> Job:
    """The job, resting while a rebuild is open: what it concludes from half a replica would be told to others."""

    async def run(uow: UnitOfWork) -> int:
        return 0 if await is_open(uow) else await job.run(uow)

    return replace(job, run=run)


Bounds = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, tuple[int, int]]]]
"""Where the log of each partition begins and ends now."""


class Rebuilder:
    """Does a service's rebuilds, one after the other. Any number of workers may run one: a step that another has taken does nothing."""

    def __init__(self, database: Database, bounds: Bounds, group: str, replicas: Sequence[Replica]) -> None:
        self._database = database
        self._bounds = bounds
        self._group = group
        self._replicas = {replica.topic: replica for replica in replicas}

    async def step(self) -> bool:
        """Take the next step of the oldest open rebuild; False where there is none, or its records are still being read."""
        async with self._database.transaction(readonly=True) as uow:
            row = await uow.driver.fetchrow(_OPEN)
            partitions = await uow.driver.fetch(_PARTITIONS, self._group, row["topic"]) if row else []
        if row is None:
            return False
        replica = self._replicas.get(row["topic"], Replica(row["topic"]))
        if row["began_at"] is None:
            if not partitions:
                return False  # the consumer stores a position of each partition before it reads
            bounds = await self._bounds([TopicPartition(row["topic"], found[0]) for found in partitions])
            return await self._in_transaction(lambda uow: self._begin(uow, row["id"], replica, bounds))
        if row["read_at"] is None:
            ends = await self._bounds([TopicPartition(row["topic"], found[0]) for found in partitions])
            return await self._in_transaction(lambda uow: self._look(uow, row["id"], row["topic"], ends))
        work = self._clear if row["cleared_at"] is None else self._settle
        return await self._in_transaction(lambda uow: work(uow, row["id"], replica))

    async def _in_transaction(self, step: Callable[[UnitOfWork], Awaitable[bool]]) -> bool:
        async with self._database.transaction() as uow:
            # Forgetting a million versions, or comparing them with as many rows, takes longer than a request may.
            await uow.driver.execute("SET LOCAL statement_timeout = 0")
            done = await step(uow)
            await uow.commit()
        return done

    async def _begin(
        self, uow: UnitOfWork, rebuild_id: int, replica: Replica, bounds: Mapping[TopicPartition, tuple[int, int]]
    ) -> bool:
        records = sum(end - start for start, end in bounds.values())
        if _count(await uow.driver.execute(_BEGIN, rebuild_id, records)):
            numbers = [at.partition for at in bounds]
            await uow.driver.execute(_HOLD, self._group, list(replica.holds))
            await uow.driver.execute(_REWIND, self._group, replica.topic, numbers, *map(list, zip(*bounds.values(), strict=True)))
            for statement in _FORGET if replica.tables else ():
                await uow.driver.execute(statement, self._group, replica.topic)
            _log.info("rebuild_begins", topic=replica.topic, records=records)
        return True

    async def _look(self, uow: UnitOfWork, rebuild_id: int, topic: str, bounds: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        rows = await uow.driver.fetch(_READ_UNTIL, self._group, topic)
        ends = {at.partition: end for at, (_, end) in bounds.items()}
        if any(until is None or until > ends.get(partition, until) for partition, _, until in rows):
            _log.error("rebuild_given_up", topic=topic, reason="the log was made anew")
            await cancel(uow, [topic], "system:rebuilds")
            return True
        if any(position < until for _, position, until in rows):
            return False
        await uow.driver.execute("UPDATE rebuild SET read_at = clock_timestamp() WHERE id = $1 AND read_at IS NULL", rebuild_id)
        return True

    async def _clear(self, uow: UnitOfWork, rebuild_id: int, replica: Replica) -> bool:
        """Remove a chunk of what was not seen; where nothing is left of that, the last work is due. Raises `LettersOpen`."""
        if await uow.driver.fetchrow(_TAKE, rebuild_id) is None:
            return False
        # A snapshot that could not be applied has left no version, and the row of its key is all that there is.
        if replica.tables and await uow.driver.fetchval(_WAITING, self._group, replica.topic):
            raise LettersOpen(f"{replica.topic} has dead letters: settle them, or give the rebuild up")
        for table, key in replica.tables.items():
            statement = _REMOVE.format(table=table, key=key)
            if removed := _count(await uow.driver.execute(statement, self._group, replica.topic, CHUNK)):
                await uow.driver.execute("UPDATE rebuild SET removed = removed + $2 WHERE id = $1", rebuild_id, removed)
                return True
        await uow.driver.execute("UPDATE rebuild SET cleared_at = clock_timestamp() WHERE id = $1", rebuild_id)
        return True

    async def _settle(self, uow: UnitOfWork, rebuild_id: int, replica: Replica) -> bool:
        """Do a part of the last work; after the last part the rebuild is over."""
        row = await uow.driver.fetchrow(_TAKE, rebuild_id)
        if row is None:
            return False
        cursor = await replica.settle(uow, row["cursor"]) if replica.settle else None
        await uow.driver.execute("UPDATE rebuild SET cursor = $2 WHERE id = $1", rebuild_id, cursor)
        if cursor is None:
            await uow.driver.execute(_END, self._group, replica.topic)
            await uow.driver.execute("UPDATE rebuild SET finished_at = clock_timestamp() WHERE id = $1", rebuild_id)
            await uow.driver.execute(_LET_GO, self._group, list(replica.holds))
            _log.info("rebuild_ends", topic=replica.topic)
        return True


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
