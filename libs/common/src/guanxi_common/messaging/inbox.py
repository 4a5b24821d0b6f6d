"""The consumer's store: a protocol, and its implementation on PostgreSQL.

An `InboxTransaction` holds a batch's bookkeeping and its effects: both become durable together. Statements take arrays; none is
sent per event. Two members at work on the same events (one has lost its lease and does not know yet) are kept apart by the
tables' keys: the later one waits or raises `LostRace`, and finds the work done when it tries again.
"""

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Version
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.policy import AggregateKey, Arrival, Burial, ParkReason, Plan, State
from guanxi_common.messaging.positions import Move

PURGE_CHUNK: Final = 10_000

_ADMIT = """
INSERT INTO inbox_event (consumer, event_id, payload_hash)
SELECT $1, id, hash FROM unnest($2::uuid[], $3::bigint[]) AS e (id, hash) ON CONFLICT DO NOTHING RETURNING event_id
"""
_HASHES = "SELECT event_id, payload_hash FROM inbox_event WHERE consumer = $1 AND event_id = ANY($2::uuid[])"

_OPEN = "SELECT topic, key FROM dead_letter WHERE consumer = $1 AND resolved_at IS NULL AND key IS NOT NULL"
_BEHIND = "SELECT topic, key FROM inbox_parked WHERE consumer = $1 AND reason = 'behind'"

_VERSIONS = """
SELECT v.topic, v.key, v.epoch, v.version FROM inbox_version AS v
JOIN unnest($2::text[], $3::text[]) AS k (topic, key) ON v.topic = k.topic AND v.key = k.key WHERE v.consumer = $1
"""
_WAITING = """
SELECT p.id, p.record FROM inbox_parked AS p
JOIN unnest($2::text[], $3::text[]) AS k (topic, key) ON p.topic = k.topic AND p.key = k.key
WHERE p.consumer = $1 AND p.reason = 'gap'
"""
_RAISE_VERSIONS = """
UPDATE inbox_version AS v SET epoch = n.epoch, version = n.version
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
     AS n (topic, key, stored_epoch, stored, epoch, version)
WHERE v.consumer = $1 AND v.topic = n.topic AND v.key = n.key AND v.epoch = n.stored_epoch AND v.version = n.stored
"""
_FIRST_VERSIONS = """
INSERT INTO inbox_version (consumer, topic, key, epoch, version)
SELECT $1, topic, key, epoch, version
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (topic, key, epoch, version)
ON CONFLICT DO NOTHING
"""
_PARK = """
INSERT INTO inbox_parked (consumer, topic, key, event_id, type, epoch, version, reason, record)
SELECT $1, p.topic, p.key, p.event_id, p.type, p.epoch, p.version, p.reason, p.record
FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bytea[])
     WITH ORDINALITY AS p (topic, key, event_id, type, epoch, version, reason, record, place) ORDER BY p.place
"""
_PARK_AGAIN = """
UPDATE inbox_parked AS p SET reason = n.reason FROM unnest($1::bigint[], $2::text[]) AS n (id, reason) WHERE p.id = n.id
"""
_UNPARK = "DELETE FROM inbox_parked WHERE id = ANY($1::bigint[])"
_BURY = """
INSERT INTO dead_letter (id, consumer, topic, partition, "offset", key, event_id, type, version, record, reason, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
"""
_BLOCKED = f"({_OPEN} UNION {_BEHIND})"
_MOVE = """
WITH step AS (
    SELECT * FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[]) AS s (topic, partition, before, after)
), moved AS (
    UPDATE consumer_position AS p SET position = step.after, moved_at = now() FROM step
    WHERE p.consumer = $1 AND p.topic = step.topic AND p.partition = step.partition AND p.position = step.before RETURNING 1
), begun AS (
    INSERT INTO consumer_position (consumer, topic, partition, position)
    SELECT $1, topic, partition, after FROM step WHERE before IS NULL ON CONFLICT DO NOTHING RETURNING 1
)
SELECT NULL AS topic, ((SELECT count(*) FROM moved) + (SELECT count(*) FROM begun))::text AS key
"""
_POSITIONS = "SELECT topic, partition, position FROM consumer_position WHERE consumer = $1"
_LOCK_REPLAYS = "SELECT pg_try_advisory_xact_lock(hashtext('guanxi replay'), hashtext($1))"
_REPLAYS = """
SELECT id, record, key IS NOT NULL FROM dead_letter WHERE consumer = $1 AND resolved_at IS NULL AND requested_at IS NOT NULL
ORDER BY requested_at LIMIT $2
"""
_RELEASABLE = """
SELECT p.topic, p.key FROM inbox_parked AS p
WHERE p.consumer = $1 AND p.reason = 'behind' AND NOT EXISTS (
    SELECT FROM dead_letter AS d WHERE d.consumer = $1 AND d.topic = p.topic AND d.key = p.key AND d.resolved_at IS NULL)
GROUP BY p.topic, p.key ORDER BY min(p.id) LIMIT 1
"""
_PARKED = """
SELECT id, record FROM inbox_parked WHERE consumer = $1 AND topic = $2 AND key = $3 ORDER BY epoch, version NULLS LAST, id
LIMIT $4
"""
_REPLAYED = """
UPDATE dead_letter SET resolved_at = now(), resolution = 'replayed', resolved_by = requested_by WHERE id = $1
"""
_REPLAY_FAILED = """
UPDATE dead_letter SET requested_at = NULL, attempts = attempts + 1, failed_at = now(), reason = $2, error = $3 WHERE id = $1
"""
_PURGE = """
DELETE FROM inbox_event WHERE ctid IN (SELECT ctid FROM inbox_event WHERE seen_at < $1 LIMIT $2)
"""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that was parked or buried, under the id of its row.

    A dead letter without a key was not its producer's, or could not be read: it took no version and holds nothing up.
    """

    id: Any
    record: Record
    has_key: bool = True


class InboxTransaction(Protocol):
    """One transaction of a consumer. `uow` is what handlers get."""

    @property
    def uow(self) -> UnitOfWork: ...

    async def admit(self, hashes: dict[UUID, int]) -> dict[UUID, int]:
        """Keep the event ids; return those that were there before, with their payload's hash."""
        ...

    async def positions(self) -> Mapping[TopicPartition, int]:
        """The group's stored positions."""
        ...

    async def move(self, moves: Sequence[Move]) -> None:
        """Store the positions. Raises `LostRace` where one is not at its `before`: another member has moved it."""
        ...

    async def load(self, versioned: Sequence[AggregateKey], *, released: bool, moves: Sequence[Move] = ()) -> State:
        """The keys that are blocked, and the versions and waiting changes of the `versioned` keys.

        `released`: the keys are being released, so only an open dead letter blocks and nothing is reported as waiting.
        `moves` as by `move`, without a round trip of their own.
        """
        ...

    async def write(self, plan: Plan) -> None:
        """Store the plan's bookkeeping. Raises `LostRace`."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """An exception that leaves the block undoes what was done in it, and no more."""
        ...

    async def lock_replays(self) -> bool:
        """Whether this transaction is the only one of the group that replays."""
        ...

    async def requested_replays(self, limit: int) -> Sequence[StoredRecord]: ...

    async def next_releasable(self, limit: int) -> Sequence[StoredRecord]:
        """The first parked events of one key that nothing blocks any more, in order."""
        ...

    async def settle_replay(self, dead_letter: StoredRecord, failure: tuple[str, str] | None) -> None:
        """Resolve a replayed dead letter, or keep it open with the new (reason, error)."""
        ...

    async def commit(self) -> None: ...


class InboxStore(Protocol):
    def begin(self, group: str) -> AbstractAsyncContextManager[InboxTransaction]:
        """Open a transaction; what is not committed is rolled back."""
        ...


class PostgresInbox:
    """The inbox of a service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self, group: str) -> AsyncIterator[InboxTransaction]:
        async with self._database.transaction() as uow:
            yield PostgresInboxTransaction(uow, group)


class PostgresInboxTransaction:
    def __init__(self, uow: UnitOfWork, group: str) -> None:
        self._uow = uow
        self._driver = uow.driver
        self._group = group

    @property
    def uow(self) -> UnitOfWork:
        return self._uow

    async def admit(self, hashes: dict[UUID, int]) -> dict[UUID, int]:
        ids = sorted(hashes)
        fresh = await self._driver.fetch(_ADMIT, self._group, ids, [hashes[id_] for id_ in ids])
        if len(fresh) == len(ids):
            return {}
        known = hashes.keys() - {row[0] for row in fresh}
        return dict(await self._driver.fetch(_HASHES, self._group, list(known)))

    async def positions(self) -> Mapping[TopicPartition, int]:
        return {TopicPartition(row[0], row[1]): row[2] for row in await self._driver.fetch(_POSITIONS, self._group)}

    async def move(self, moves: Sequence[Move]) -> None:
        if moves:
            _split_moved(await self._driver.fetch(_MOVE, self._group, *_steps(moves)), len(moves))

    async def load(self, versioned: Sequence[AggregateKey], *, released: bool, moves: Sequence[Move] = ()) -> State:
        query = _OPEN if released else _BLOCKED
        if moves:
            rows = await self._driver.fetch(f"{_MOVE} UNION ALL {query}", self._group, *_steps(moves))
            blocked = _split_moved(rows, len(moves))
        else:
            blocked = {(row[0], row[1]) for row in await self._driver.fetch(query, self._group)}
        if not versioned:
            return State(blocked=blocked)
        topics, names = [topic for topic, _ in versioned], [key for _, key in versioned]
        rows = await self._driver.fetch(_VERSIONS, self._group, topics, names)
        versions = {(row[0], row[1]): Version(row[2], row[3]) for row in rows}
        waiting = [] if released else await self._driver.fetch(_WAITING, self._group, topics, names)
        return State(versions=versions, blocked=blocked, waiting=_by_version(waiting))

    async def write(self, plan: Plan) -> None:
        if plan.versions:
            await self._write_versions(plan)
        if plan.unparked:
            await _exactly(self._driver.execute(_UNPARK, plan.unparked), len(plan.unparked))
        if plan.parked:
            await self._park(plan)
        for burial in plan.dead:
            await self._bury(burial)

    async def _write_versions(self, plan: Plan) -> None:
        raised = sorted((*key, *stored, *new) for key, (stored, new) in plan.versions.items() if stored is not None)
        first = sorted((*key, *new) for key, (stored, new) in plan.versions.items() if stored is None)
        for statement, rows in ((_RAISE_VERSIONS, raised), (_FIRST_VERSIONS, first)):
            if rows:
                await _exactly(self._driver.execute(statement, self._group, *_columns(rows)), len(rows))

    async def _park(self, plan: Plan) -> None:
        again = [(arrival.parked_id, reason) for arrival, reason in plan.parked if arrival.parked_id is not None]
        fresh = [_parked_row(arrival, reason) for arrival, reason in plan.parked if arrival.parked_id is None]
        if again:
            await _exactly(self._driver.execute(_PARK_AGAIN, *_columns(again)), len(again))
        if fresh:
            await self._driver.execute(_PARK, self._group, *_columns(fresh))

    async def _bury(self, burial: Burial) -> None:
        record, envelope = burial.arrival.record, burial.arrival.envelope
        key = burial.arrival.key
        described = (envelope.id, envelope.type, envelope.aggregate_version) if envelope else (None, None, None)
        place = (record.topic, record.partition, record.offset, key[1] if key else None)
        failure = (pack(record), burial.reason, burial.error)
        await self._driver.execute(_BURY, new_id(), self._group, *place, *described, *failure)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        await self._driver.execute("SAVEPOINT event")
        try:
            yield
        except Exception:
            await self._driver.execute("ROLLBACK TO SAVEPOINT event")
            raise
        await self._driver.execute("RELEASE SAVEPOINT event")

    async def lock_replays(self) -> bool:
        return bool(await self._driver.fetchval(_LOCK_REPLAYS, self._group))

    async def requested_replays(self, limit: int) -> Sequence[StoredRecord]:
        rows = await self._driver.fetch(_REPLAYS, self._group, limit)
        return [StoredRecord(row[0], unpack(row[1]), row[2]) for row in rows]

    async def next_releasable(self, limit: int) -> Sequence[StoredRecord]:
        found = await self._driver.fetchrow(_RELEASABLE, self._group)
        if found is None:
            return []
        rows = await self._driver.fetch(_PARKED, self._group, found[0], found[1], limit)
        return [StoredRecord(row[0], unpack(row[1])) for row in rows]

    async def settle_replay(self, dead_letter: StoredRecord, failure: tuple[str, str] | None) -> None:
        if failure is None:
            await self._driver.execute(_REPLAYED, dead_letter.id)
        else:
            await self._driver.execute(_REPLAY_FAILED, dead_letter.id, *failure)

    async def commit(self) -> None:
        await self._uow.commit()


_PackedRecord = tuple[str, int, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...], int]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_PackedRecord).decode


def pack(record: Record) -> bytes:
    """The record as parked and dead-letter rows keep it."""
    place = (record.topic, record.partition, record.offset)
    return _encode((*place, record.key, record.value, record.headers, record.timestamp_ms))


def unpack(packed: bytes) -> Record:
    return Record(*_decode(packed))


async def purge(uow: UnitOfWork, seen_before: datetime) -> int:
    """Forget at most `PURGE_CHUNK` event ids; return how many. Keep them for longer than any topic of facts keeps its records."""
    return _count(await uow.driver.execute(_PURGE, seen_before, PURGE_CHUNK))


async def rewind(uow: UnitOfWork, group: str, topic: str) -> None:
    """Make the group read the topic again from its start; a member that runs notices within seconds.

    Every position that the group has is set to 0. One that it does not have is the bus's committed offset, and stays.
    """
    await uow.driver.execute("UPDATE consumer_position SET position = 0 WHERE consumer = $1 AND topic = $2", group, topic)


async def forget_versions(uow: UnitOfWork, group: str, topic: str) -> None:
    """Make the group take the next version of every aggregate on `topic` as its baseline, for a rebuild from the snapshots."""
    await uow.driver.execute("DELETE FROM inbox_version WHERE consumer = $1 AND topic = $2", group, topic)


def _by_version(rows: Iterable[Any]) -> dict[AggregateKey, dict[Version, Arrival]]:
    waiting: dict[AggregateKey, dict[Version, Arrival]] = {}
    for parked_id, packed in rows:
        arrival = arrive(unpack(packed), parked_id=parked_id)
        if arrival.envelope is not None and arrival.envelope.aggregate_version is not None:
            key = (arrival.envelope.topic, arrival.envelope.key)
            waiting.setdefault(key, {})[arrival.envelope.version] = arrival
    return waiting


def _parked_row(arrival: Arrival, reason: ParkReason) -> tuple[Any, ...]:
    envelope = arrival.envelope
    if envelope is None:
        raise TypeError("only events are parked")
    name = (envelope.topic, envelope.key, envelope.id, envelope.type, envelope.epoch, envelope.aggregate_version)
    return *name, reason, pack(arrival.record)


def _steps(moves: Sequence[Move]) -> list[list[Any]]:
    return _columns((move.at.topic, move.at.partition, move.before, move.after) for move in moves)


def _split_moved(rows: Iterable[Any], expected: int) -> set[AggregateKey]:
    """The keys of the rows; the one without a topic says how many positions were moved. Raises `LostRace`."""
    by_topic = {(row[0], row[1]) for row in rows}
    if (None, str(expected)) not in by_topic:
        raise LostRace("another member has moved the position")
    return by_topic - {(None, str(expected))}


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def _exactly(statement: Awaitable[str], expected: int) -> None:
    if _count(await statement) != expected:
        raise LostRace("another member has changed the same keys")
