"""A service's database in memory: what is committed, and transactions that make it visible all at once or not at all.

Concurrency is optimistic: where PostgreSQL would let the second of two writers wait for a row, its commit raises `LostRace` here.
A transaction can be lost by the server at any time; its locks end then, though the process that held them works on.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Outgoing, Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.inbox import StoredRecord
from guanxi_common.messaging.outbox.delivery import KeyId, Outcome
from guanxi_common.messaging.outbox.rows import PendingRow
from guanxi_common.messaging.policy import AggregateKey, Arrival, Burial, Plan, State
from guanxi_common.messaging.positions import Move, ReadAgain, Standing
from guanxi_common.testing.simulation.broker import Faults
from guanxi_common.testing.simulation.loop import Process


@dataclass(slots=True)
class Letter:
    """A dead letter."""

    record: Record
    key: AggregateKey | None
    event_id: UUID | None
    replay_requested: bool = False
    resolution: str | None = None


@dataclass(slots=True)
class Parked:
    arrival: Arrival
    reason: str


@dataclass(slots=True)
class Tables:
    """What is committed."""

    outbox: dict[int, PendingRow] = field(default_factory=dict)
    """Rows that are not published."""
    blocked_rows: set[int] = field(default_factory=set)
    blocked_keys: dict[KeyId, int] = field(default_factory=dict)
    seen: dict[UUID, int] = field(default_factory=dict)
    versions: dict[AggregateKey, Version] = field(default_factory=dict)
    parked: dict[int, Parked] = field(default_factory=dict)
    letters: dict[int, Letter] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    applied: list[Envelope] = field(default_factory=list)


class SimulatedDatabase:
    """Shared by all processes of the service."""

    def __init__(self, faults: Faults) -> None:
        self.tables = Tables()
        self.faults = faults
        self.shard_locks: dict[int, object] = {}
        self.replay_lock: object | None = None
        self._sequence = 0
        self._row_id = 0

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def next_row_id(self) -> int:
        self._row_id += 1
        return self._row_id

    def unblock(self) -> None:
        """The operator's retry: every blocked row is sent again, in order."""
        self.tables.blocked_keys.clear()
        self.tables.blocked_rows.clear()

    def open_keys(self) -> set[AggregateKey]:
        return {letter.key for letter in self.tables.letters.values() if letter.key and letter.resolution is None}


class _Transaction:
    """What both kinds of transaction share: latency, and loss."""

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        self._database = database
        self._process = process
        self._lost = False

    async def _round_trip(self) -> None:
        await self._process.pause()
        if not self._lost and self._process.random.random() < self._database.faults.transaction_lost:
            self._lost = True
            self._end()
        if self._lost:
            raise ConnectionError("the server has ended this transaction")

    def _end(self) -> None:
        """Give back the locks."""


class SimulatedOutbox:
    """`OutboxStore`."""

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        self._database = database
        self._process = process

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["SimulatedPass"]:
        transaction = SimulatedPass(self._database, self._process)
        try:
            yield transaction
        finally:
            transaction._end()  # noqa: SLF001  # its own store; the connection is gone, whether the process lives or not

    async def backlog_age(self) -> timedelta:
        await self._process.pause()
        return timedelta(0)


class SimulatedPass(_Transaction):
    """`OutboxPass`."""

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        super().__init__(database, process)
        self._outcome: Outcome | None = None

    def _ready(self) -> list[PendingRow]:
        tables = self._database.tables
        return [row for number, row in sorted(tables.outbox.items()) if number not in tables.blocked_rows]

    async def lock_shards(self, limit: int) -> Sequence[int]:
        await self._round_trip()
        free = sorted({row.shard for row in self._ready()} - self._database.shard_locks.keys())
        self._process.random.shuffle(free)
        self._database.shard_locks.update(dict.fromkeys(free[:limit], self))
        return free[:limit]

    async def read(self, shards: Sequence[int], max_events: int) -> Sequence[PendingRow]:  # noqa: ARG002  # a drawn number
        await self._round_trip()
        rows = [row for row in self._ready() if row.shard in shards]
        return rows[: self._process.random.randint(1, 12)]

    async def blocked_keys(self, shards: Sequence[int]) -> frozenset[KeyId]:  # noqa: ARG002  # more does no harm
        await self._round_trip()
        return frozenset(self._database.tables.blocked_keys)

    async def settle(self, outcome: Outcome) -> None:
        await self._round_trip()
        self._outcome = outcome

    async def commit(self) -> None:
        await self._round_trip()
        tables, outcome = self._database.tables, self._outcome
        if outcome is not None:
            for sequence in outcome.published:
                del tables.outbox[sequence]
            for sequence, records in outcome.remaining.items():
                row = tables.outbox[sequence]
                tables.outbox[sequence] = PendingRow(sequence, row.shard, row.topic, records)
                tables.blocked_rows.add(sequence)
            tables.blocked_keys.update({key: row.sequence for key, (row, _) in outcome.blocked.items()})
        self._end()
        await self._process.pause()

    def _end(self) -> None:
        locks = self._database.shard_locks
        for shard in [shard for shard, holder in locks.items() if holder is self]:
            del locks[shard]


class SimulatedInbox:
    """`InboxStore`."""

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        self._database = database
        self._process = process

    @asynccontextmanager
    async def begin(self, group: str) -> AsyncIterator["SimulatedInboxTransaction"]:  # noqa: ARG002  # there is one group
        transaction = SimulatedInboxTransaction(self._database, self._process)
        try:
            yield transaction
        finally:
            transaction._end()  # noqa: SLF001  # as above


_STAGED = ("_seen", "_versions", "_parked", "_unparked", "_reasons", "_letters", "_settled", "_moves", "effects")


class SimulatedInboxTransaction(_Transaction):
    """`InboxTransaction`: reads what is committed under its own writes, and applies these at commit if nothing has changed below."""

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        super().__init__(database, process)
        self._seen: dict[UUID, int] = {}
        self._versions: dict[AggregateKey, tuple[Version | None, Version]] = {}
        self._parked: dict[int, Parked] = {}
        self._unparked: set[int] = set()
        self._reasons: dict[int, str] = {}
        self._letters: dict[int, Letter] = {}
        self._settled: dict[int, bool] = {}
        self._moves: list[Move] = []
        self.effects: list[Envelope] = []

    @property
    def uow(self) -> Any:
        """Handlers of the simulation append to `effects`."""
        return self

    async def admit(self, hashes: dict[UUID, int]) -> dict[UUID, int]:
        await self._round_trip()
        before = {**self._database.tables.seen, **self._seen}
        self._seen.update({id_: hash_ for id_, hash_ in hashes.items() if id_ not in before})
        return {id_: before[id_] for id_ in hashes if id_ in before}

    async def standings(self) -> Mapping[TopicPartition, Standing]:
        await self._round_trip()
        return {at: Standing(position) for at, position in self._database.tables.positions.items()}

    async def allowances(self, partitions: Sequence[TopicPartition], limit: int) -> Mapping[TopicPartition, int]:
        """Nothing is paused: the operator of the simulation settles dead letters only."""
        await self._round_trip()
        return dict.fromkeys(partitions, limit)

    async def pause(self, partitions: Sequence[TopicPartition], limit: int) -> None:
        raise NotImplementedError(f"{partitions} have made {limit} dead letters")

    async def bury_bare(self, burial: Burial) -> None:
        await self._round_trip()
        self._letters[self._database.next_row_id()] = Letter(burial.arrival.record, None, None)

    async def read_again(self) -> ReadAgain:
        return {}

    async def move(self, moves: Sequence[Move]) -> None:
        await self._round_trip()
        self._moves.extend(moves)

    async def load(self, versioned: Sequence[AggregateKey], *, released: bool, moves: Sequence[Move] = ()) -> State:
        await self.move(moves)
        tables = self._database.tables
        parked = self._present()
        blocked = self._database.open_keys() | {letter.key for letter in self._letters.values() if letter.key}
        if not released:
            blocked |= {arrival.key for arrival, reason in parked.values() if reason == "behind" and arrival.key}
        versions = {key: tables.versions[key] for key in versioned if key in tables.versions}
        versions.update({key: self._versions[key][1] for key in versioned if key in self._versions})
        waiting: dict[AggregateKey, dict[Version, Arrival]] = {}
        for row, (arrival, reason) in parked.items():
            key, envelope = arrival.key, arrival.envelope
            if not released and reason == "gap" and key in versioned and key is not None and envelope is not None:
                found = arrive(arrival.record, parked_id=row)
                waiting.setdefault(key, {})[envelope.version] = found
        return State(versions=versions, blocked=blocked, waiting=waiting)

    def _present(self) -> dict[int, tuple[Arrival, str]]:
        rows = {**self._database.tables.parked, **self._parked}
        return {id_: (row.arrival, self._reasons.get(id_, row.reason)) for id_, row in rows.items() if id_ not in self._unparked}

    async def write(self, plan: Plan) -> None:
        await self._round_trip()
        for key, (stored, new) in plan.versions.items():
            self._versions[key] = (self._versions[key][0] if key in self._versions else stored, new)
        self._unparked.update(plan.unparked)
        for arrival, reason in plan.parked:
            if arrival.parked_id is not None:
                self._reasons[arrival.parked_id] = reason
            else:
                self._parked[self._database.next_row_id()] = Parked(arrival, reason)
        for burial in plan.dead:
            envelope = burial.arrival.envelope
            letter = Letter(burial.arrival.record, burial.arrival.key, envelope.id if envelope else None)
            self._letters[self._database.next_row_id()] = letter

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        await self._round_trip()
        before = {name: copy(getattr(self, name)) for name in _STAGED}
        try:
            yield
            await self._round_trip()
        except Exception:
            self.__dict__.update(before)
            raise

    async def lock_replays(self) -> bool:
        await self._round_trip()
        if self._database.replay_lock is not None:
            return False
        self._database.replay_lock = self
        return True

    async def requested_replays(self, limit: int) -> Sequence[StoredRecord]:
        await self._round_trip()
        letters = self._database.tables.letters
        asked = [id_ for id_, letter in letters.items() if letter.replay_requested and letter.resolution is None]
        return [StoredRecord(id_, letters[id_].record, letters[id_].key is not None) for id_ in asked[:limit]]

    async def next_releasable(self, limit: int) -> Sequence[StoredRecord]:
        await self._round_trip()
        parked, blocked = self._database.tables.parked, self._database.open_keys()
        behind = [row.arrival.key for row in parked.values() if row.reason == "behind" and row.arrival.key not in blocked]
        if not behind:
            return []
        rows = [(id_, row.arrival) for id_, row in sorted(parked.items()) if row.arrival.key == behind[0]]
        rows.sort(key=lambda row: row[1].envelope.version if row[1].envelope else Version(0, 0))
        return [StoredRecord(id_, arrival.record) for id_, arrival in rows[:limit]]

    async def settle_replay(self, dead_letter: StoredRecord, failure: tuple[str, str] | None) -> None:
        await self._round_trip()
        self._settled[dead_letter.id] = failure is None

    async def commit(self) -> None:
        await self._round_trip()
        tables = self._database.tables
        if self._seen.keys() & tables.seen.keys() or (self._unparked | self._reasons.keys()) - {*tables.parked, *self._parked}:
            raise LostRace("another member was faster")
        if any(tables.versions.get(key) != stored for key, (stored, _) in self._versions.items()):
            raise LostRace("another member was faster")
        if any(tables.positions.get(move.at) != move.before for move in self._moves):
            raise LostRace("another member was faster")
        self._make_visible(tables)
        self._end()
        await self._process.pause()

    def _make_visible(self, tables: Tables) -> None:
        tables.seen.update(self._seen)
        tables.versions.update({key: new for key, (_, new) in self._versions.items()})
        tables.parked.update(self._parked)
        for id_, reason in self._reasons.items():
            tables.parked[id_].reason = reason
        for id_ in self._unparked:
            del tables.parked[id_]
        known = {(row.record.topic, row.record.partition, row.record.offset) for row in tables.letters.values()}
        for id_, letter in self._letters.items():
            if (letter.record.topic, letter.record.partition, letter.record.offset) not in known:
                tables.letters[id_] = letter
        for id_, replayed in self._settled.items():
            tables.letters[id_].replay_requested = False
            tables.letters[id_].resolution = "replayed" if replayed else None
        tables.positions.update({move.at: move.after for move in self._moves})
        tables.applied.extend(self.effects)

    def _end(self) -> None:
        if self._database.replay_lock is self:
            self._database.replay_lock = None


def records_of(rows: Mapping[int, PendingRow]) -> list[Outgoing]:
    return [record for row in rows.values() for record in row.records]
