"""The consumer's store: a protocol, and its implementation on PostgreSQL.

An `InboxTransaction` holds a batch's bookkeeping and its effects: both become durable together. Statements take arrays; none is
sent per event. Two members at work on the same events (one has lost its lease and does not know yet) are kept apart by the
tables' keys: the later one waits or raises `LostRace`, and finds the work done when it tries again.
"""

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
import structlog

from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging import inbox_statements as sql
from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Version
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.policy import AggregateKey, Arrival, Burial, ParkReason, Place, Plan, State
from guanxi_common.messaging.positions import LETTERS_COUNT_FOR, Move, ReadAgain, Standing
from guanxi_common.messaging.stored import ERROR_LENGTH, REASON_LENGTH, stored_text

PURGE_CHUNK: Final = 10_000
DEAD_LETTER_LIMIT: Final = "dead_letter_limit"
"""Why a partition is paused."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that was parked or buried, under the id of its row.

    A dead letter without a key was not its producer's, or could not be read: it took no version and holds nothing up. `record` is
    None where the row's bytes are no record.
    """

    id: Any
    record: Record | None
    has_key: bool = True


class InboxTransaction(Protocol):
    """One transaction of a consumer. `uow` is what handlers get."""

    @property
    def uow(self) -> UnitOfWork: ...

    async def admit(self, hashes: dict[UUID, int]) -> dict[UUID, int]:
        """Keep the event ids; return those that were there before, with their payload's hash."""
        ...

    async def standings(self) -> Mapping[TopicPartition, Standing]:
        """What is stored of the group's partitions."""
        ...

    async def allowances(self, partitions: Sequence[TopicPartition], limit: int) -> Mapping[TopicPartition, int]:
        """How many more dead letters each may make before it has reached `limit`, or the limit that an operator gave it."""
        ...

    async def pause(self, partitions: Sequence[TopicPartition], limit: int) -> None:
        """Let the group read no more of these, which have reached their limit, until an operator resumes them."""
        ...

    async def read_again(self) -> ReadAgain:
        """What a rebuild reads once more. Asked for after the positions: a rewound one must not be known without it."""
        ...

    async def end_read_again(self, partitions: Iterable[TopicPartition]) -> None:
        """Take nothing in these for read before: their log is another one."""
        ...

    async def held(self, again: Sequence[Arrival]) -> AbstractSet[Place]:
        """The places of those that wait parked, or as a dead letter that was not applied."""
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

    async def bury_bare(self, burial: Burial) -> None:
        """Keep a dead letter of the record's place and bytes alone, which can always be stored; a parked row of it ends."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """An exception that leaves the block undoes what was done in it, and no more."""
        ...

    async def lock_replays(self) -> bool:
        """Whether this transaction is the only one of the group that replays."""
        ...

    async def requested_replays(self, limit: int) -> Sequence[StoredRecord]: ...

    async def next_releasable(self, limit: int) -> Sequence[StoredRecord]:
        """The first parked events of one key that nothing blocks any more, in order.

        A change that waits for the version before it is one of them if that was taken over without it: a replayed dead letter may
        have filled the gap.
        """
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
        fresh = await self._driver.fetch(sql.ADMIT, self._group, ids, [hashes[id_] for id_ in ids])
        if len(fresh) == len(ids):
            return {}
        known = hashes.keys() - {row[0] for row in fresh}
        return dict(await self._driver.fetch(sql.HASHES, self._group, list(known)))

    async def standings(self) -> Mapping[TopicPartition, Standing]:
        rows = await self._driver.fetch(sql.STANDINGS, self._group)
        return {TopicPartition(row[0], row[1]): Standing(row[2], row[3]) for row in rows}

    async def allowances(self, partitions: Sequence[TopicPartition], limit: int) -> Mapping[TopicPartition, int]:
        places = [at.topic for at in partitions], [at.partition for at in partitions]
        rows = await self._driver.fetch(sql.ALLOWANCES, self._group, *places, limit, LETTERS_COUNT_FOR)
        return {TopicPartition(row[0], row[1]): row[2] for row in rows}

    async def pause(self, partitions: Sequence[TopicPartition], limit: int) -> None:
        places = [at.topic for at in partitions], [at.partition for at in partitions]
        await self._driver.execute(sql.PAUSE, self._group, *places, DEAD_LETTER_LIMIT, limit, LETTERS_COUNT_FOR)

    async def read_again(self) -> ReadAgain:
        return {TopicPartition(row[0], row[1]): row[2] for row in await self._driver.fetch(sql.READ_AGAIN, self._group)}

    async def end_read_again(self, partitions: Iterable[TopicPartition]) -> None:
        await self._driver.execute(sql.END_READ_AGAIN, self._group, *_columns((at.topic, at.partition) for at in partitions))

    async def held(self, again: Sequence[Arrival]) -> AbstractSet[Place]:
        rows = [(*one.place, one.key[1] if one.key else None, one.envelope.id if one.envelope else None) for one in again]
        return {tuple(row) for row in await self._driver.fetch(sql.HELD, self._group, *_columns(rows))}

    async def move(self, moves: Sequence[Move]) -> None:
        if moves:
            _split_moved(await self._driver.fetch(sql.MOVE, self._group, *_steps(moves)), len(moves))

    async def load(self, versioned: Sequence[AggregateKey], *, released: bool, moves: Sequence[Move] = ()) -> State:
        query = sql.OPEN if released else sql.BLOCKED
        if moves:
            rows = await self._driver.fetch(f"{sql.MOVE} UNION ALL {query}", self._group, *_steps(moves))
            blocked = _split_moved(rows, len(moves))
        else:
            blocked = {(row[0], row[1]) for row in await self._driver.fetch(query, self._group)}
        if not versioned:
            return State(blocked=blocked)
        topics, names = [topic for topic, _ in versioned], [key for _, key in versioned]
        rows = await self._driver.fetch(sql.VERSIONS, self._group, topics, names)
        versions = {(row[0], row[1]): Version(row[2], row[3]) for row in rows}
        waiting = [] if released else await self._driver.fetch(sql.WAITING, self._group, topics, names)
        return State(versions=versions, blocked=blocked, waiting=_by_version(waiting))

    async def write(self, plan: Plan) -> None:
        if plan.versions:
            await self._write_versions(plan)
        if plan.unparked:
            await _exactly(self._driver.execute(sql.UNPARK, plan.unparked), len(plan.unparked))
        if plan.parked:
            await self._park(plan)
        for burial in plan.dead:
            await self._bury(burial)

    async def _write_versions(self, plan: Plan) -> None:
        raised = sorted((*key, *stored, *new) for key, (stored, new) in plan.versions.items() if stored is not None)
        first = sorted((*key, *new) for key, (stored, new) in plan.versions.items() if stored is None)
        for statement, rows in ((sql.RAISE_VERSIONS, raised), (sql.FIRST_VERSIONS, first)):
            if rows:
                await _exactly(self._driver.execute(statement, self._group, *_columns(rows)), len(rows))

    async def _park(self, plan: Plan) -> None:
        again = [(arrival.parked_id, reason) for arrival, reason in plan.parked if arrival.parked_id is not None]
        fresh = [_parked_row(arrival, reason) for arrival, reason in plan.parked if arrival.parked_id is None]
        if again:
            await _exactly(self._driver.execute(sql.PARK_AGAIN, *_columns(again)), len(again))
        if fresh:
            await self._driver.execute(sql.PARK, self._group, *_columns(fresh))

    async def _bury(self, burial: Burial) -> None:
        record, envelope = burial.arrival.record, burial.arrival.envelope
        key = burial.arrival.key
        described = (envelope.id, envelope.type, envelope.aggregate_version) if envelope else (None, None, None)
        place = (record.topic, record.partition, record.offset, key[1] if key else None)
        failure = (pack(record), burial.reason, burial.error)
        await self._driver.execute(sql.BURY, new_id(), self._group, *place, *described, *failure)

    async def bury_bare(self, burial: Burial) -> None:
        record = burial.arrival.record
        place = (record.topic, record.partition, record.offset)
        failure = (stored_text(burial.reason, REASON_LENGTH), stored_text(burial.error, ERROR_LENGTH))
        await self._driver.execute(sql.BURY_BARE, new_id(), self._group, *place, _pack_anyhow(record), *failure)
        if burial.arrival.parked_id is not None:
            await self._driver.execute(sql.UNPARK, [burial.arrival.parked_id])

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        await self._driver.execute("SAVEPOINT event")
        try:
            yield
            await self._driver.execute("RELEASE SAVEPOINT event")  # fails where a handler has swallowed a statement's failure
        except Exception:
            await self._driver.execute("ROLLBACK TO SAVEPOINT event")
            await self._driver.execute("RELEASE SAVEPOINT event")
            raise

    async def lock_replays(self) -> bool:
        return bool(await self._driver.fetchval(sql.LOCK_REPLAYS, self._group))

    async def requested_replays(self, limit: int) -> Sequence[StoredRecord]:
        rows = await self._driver.fetch(sql.REPLAYS, self._group, limit)
        return [StoredRecord(row[0], unpack(row[1]), row[2]) for row in rows]

    async def next_releasable(self, limit: int) -> Sequence[StoredRecord]:
        found = await self._driver.fetchrow(sql.RELEASABLE, self._group)
        if found is None:
            return []
        rows = await self._driver.fetch(sql.PARKED, self._group, found[0], found[1], limit)
        # Of bytes that are no record, one that is no event either: it becomes a dead letter of the key.
        topic, key = found
        return [StoredRecord(row[0], unpack(row[1]) or Record(topic, -1, -row[0], key.encode(), None, (), 0)) for row in rows]

    async def settle_replay(self, dead_letter: StoredRecord, failure: tuple[str, str] | None) -> None:
        if failure is None:
            await self._driver.execute(sql.REPLAYED, dead_letter.id)
        else:
            await self._driver.execute(sql.REPLAY_FAILED, dead_letter.id, *failure)

    async def commit(self) -> None:
        await self._uow.commit()


_PackedRecord = tuple[str, int, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...], int]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_PackedRecord).decode


def pack(record: Record) -> bytes:
    """The record as parked and dead-letter rows keep it."""
    place = (record.topic, record.partition, record.offset)
    return _encode((*place, record.key, record.value, record.headers, record.timestamp_ms))


def unpack(packed: bytes) -> Record | None:
    """The record of a row; None where nobody can make one of it. Never raises."""
    try:
        return Record(*_decode(packed))
    except Exception:
        log.exception("stored_record_not_unpacked", size=len(packed))
        return None


def _pack_anyhow(record: Record) -> bytes:
    try:
        return pack(record)
    except Exception:
        log.exception("record_not_packed", topic=record.topic, partition=record.partition, offset=record.offset)
        return b""


async def purge(uow: UnitOfWork, seen_before: datetime) -> int:
    """Forget at most `PURGE_CHUNK` event ids; return how many. Keep them for longer than any topic of facts keeps its records."""
    return _count(await uow.driver.execute(sql.PURGE, seen_before, PURGE_CHUNK))


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
        record = unpack(packed)
        arrival = arrive(record, parked_id=parked_id) if record else None
        if arrival and arrival.key and arrival.envelope and arrival.envelope.aggregate_version is not None:
            waiting.setdefault(arrival.key, {})[arrival.envelope.version] = arrival
    return waiting


def _parked_row(arrival: Arrival, reason: ParkReason) -> tuple[Any, ...]:
    envelope, key = arrival.envelope, arrival.key
    if envelope is None or key is None:
        raise TypeError("only events are parked")
    name = (*key, envelope.id, envelope.type, envelope.epoch, envelope.aggregate_version)
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
