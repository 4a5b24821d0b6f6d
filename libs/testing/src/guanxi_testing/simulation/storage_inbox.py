"""The inbox of the simulated database, as the consumers see it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from copy import copy
from typing import Any
from uuid import UUID

from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.inbox import StoredRecord
from guanxi_common.messaging.policy import AggregateKey, Arrival, Burial, Place, Plan, State
from guanxi_common.messaging.positions import Move, ReadAgain, Standing

from guanxi_testing.simulation.loop import Process
from guanxi_testing.simulation.storage import Letter, Parked, Pause, SimulatedDatabase, Tables, Transaction, letters_of


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
            transaction.close()


_STAGED = ("_seen", "_versions", "_parked", "_unparked", "_reasons", "_letters", "_settled", "_moves", "_pauses", "effects")


class SimulatedInboxTransaction(Transaction):
    """`InboxTransaction`: reads what is committed under its own writes, and applies these at commit if nothing has changed below."""

    patience = float("inf")

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
        self._pauses: set[TopicPartition] = set()
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
        tables = self._database.tables
        paused = tables.paused()
        return {at: Standing(position, at in paused) for at, position in tables.positions.items()}

    async def allowances(self, partitions: Sequence[TopicPartition], limit: int) -> Mapping[TopicPartition, int]:  # noqa: ARG002
        await self._round_trip()
        database = self._database
        return {
            at: database.limit_of(at) - len(letters_of(at, [*database.letters(), *self._letters.values()])) for at in partitions
        }

    async def pause(self, partitions: Sequence[TopicPartition], limit: int) -> None:  # noqa: ARG002  # the database's own
        await self._round_trip()
        self._pauses.update(partitions)

    async def bury_bare(self, burial: Burial) -> None:
        await self._round_trip()
        arrival = burial.arrival
        event_id = arrival.envelope.id if arrival.envelope else None  # for the simulation's eyes only
        self._letters[self._database.next_row_id()] = Letter(arrival.record, None, event_id, arrival.parked_id is None)
        if arrival.parked_id is not None:
            self._unparked.add(arrival.parked_id)

    async def read_again(self) -> ReadAgain:
        return {}

    async def end_read_again(self, partitions: Iterable[TopicPartition]) -> None:  # nothing is read again
        pass

    async def held(self, again: Sequence[Arrival]) -> AbstractSet[Place]:  # noqa: ARG002  # nothing is read again
        return frozenset()

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
        to_park = (arrival for arrival, _ in plan.parked if arrival.parked_id is None)
        for arrival in (*plan.apply, *(burial.arrival for burial in plan.dead), *to_park):
            self._fail_if_unstorable(arrival)
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
            fresh = burial.arrival.parked_id is None
            letter = Letter(burial.arrival.record, burial.arrival.key, envelope.id if envelope else None, fresh)
            self._letters[self._database.next_row_id()] = letter

    def _fail_if_unstorable(self, arrival: Arrival) -> None:
        left = self._database.unstorable.get(arrival.envelope.id, 0) if arrival.envelope else 0
        if arrival.envelope and left > 0:
            self._database.unstorable[arrival.envelope.id] = left - 1
            raise ValueError("index row size exceeds the maximum")

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
        behind = [row.arrival.key for row in parked.values() if self._is_due(row) and row.arrival.key not in blocked]
        if not behind:
            return []
        rows = [(id_, row.arrival) for id_, row in sorted(parked.items()) if row.arrival.key == behind[0]]
        rows.sort(key=lambda row: row[1].envelope.version if row[1].envelope else Version(0, 0))
        return [StoredRecord(id_, arrival.record) for id_, arrival in rows[:limit]]

    def _is_due(self, row: Parked) -> bool:
        """Whether it waits for nothing but a dead letter."""
        envelope, key = row.arrival.envelope, row.arrival.key
        last = self._database.tables.versions.get(key) if key else None
        filled = envelope is not None and last is not None and last._replace(number=last.number + 1) >= envelope.version
        return row.reason == "behind" or filled

    async def settle_replay(self, dead_letter: StoredRecord, failure: tuple[str, str] | None) -> None:
        await self._round_trip()
        self._settled[dead_letter.id] = failure is None

    def _carry_out(self) -> None:
        tables = self._database.tables
        if self._history != self._database.history:
            raise LostRace("the database was restored")
        if self._seen.keys() & tables.seen.keys() or (self._unparked | self._reasons.keys()) - {*tables.parked, *self._parked}:
            raise LostRace("another member was faster")
        if any(tables.versions.get(key) != stored for key, (stored, _) in self._versions.items()):
            raise LostRace("another member was faster")
        if any(tables.positions.get(move.at) != move.before for move in self._moves):
            raise LostRace("another member was faster")
        self._make_visible(tables)

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
        for at in {move.at for move in self._moves} - self._pauses if self._letters else ():
            fresh = sum(letter.fresh for letter in letters_of(at, tables.letters.values()))
            if fresh >= self._database.limit_of(at) and letters_of(at, self._letters.values()):
                self._database.overrun.add(at)
        tables.pauses.update({at: Pause(self._database.limit_of(at)) for at in self._pauses})
        for id_, replayed in self._settled.items():
            tables.letters[id_].replay_requested = False
            tables.letters[id_].resolution = "replayed" if replayed else None
        tables.positions.update({move.at: move.after for move in self._moves})
        tables.applied.extend(self.effects)

    def _end(self) -> None:
        if self._database.replay_lock is self:
            self._database.replay_lock = None
