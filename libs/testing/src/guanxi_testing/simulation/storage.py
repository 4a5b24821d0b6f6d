"""A service's database in memory: what is committed, and transactions that make it visible all at once or not at all.

Concurrency is optimistic: where PostgreSQL would let the second of two writers wait for a row, its commit raises `LostRace` here.
A transaction can be lost by the server at any time; its locks end then, though the process that held them works on. A statement can
hang until whoever waits for it gives up; a commit that hung may be carried out after that, and its locks end with it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.failures import LostRace
from guanxi_common.messaging.outbox.delivery import KeyId
from guanxi_common.messaging.outbox.rows import PendingRow
from guanxi_common.messaging.policy import AggregateKey, Arrival

from guanxi_testing.simulation.broker import partition_of
from guanxi_testing.simulation.faults import Faults
from guanxi_testing.simulation.loop import Process

STATEMENT_TIMEOUT: Final = 3.0
"""Seconds until a statement of the relay that hangs is ended; a consumer's ends with the deadline of its batch."""
UNKNOWN_FORM: Final = b"\xc1"
"""What no release unpacks: MessagePack never uses this byte."""


@dataclass(slots=True)
class Letter:
    """A dead letter. One without a key stands for no version. `fresh`: it counts against its partition's limit."""

    record: Record
    key: AggregateKey | None
    event_id: UUID | None
    fresh: bool = True
    replay_requested: bool = False
    resolution: str | None = None


@dataclass(slots=True)
class Parked:
    arrival: Arrival
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    limit: int
    resumed: bool = False


@dataclass(slots=True)
class Tables:
    """What is committed."""

    outbox: dict[int, PendingRow] = field(default_factory=dict)
    """Rows that are not published."""
    blocked_rows: set[int] = field(default_factory=set)
    blocked_keys: dict[KeyId, int] = field(default_factory=dict)
    newer_rows: set[int] = field(default_factory=set)
    """Rows that only the newer release can unpack."""
    corrupt_rows: set[int] = field(default_factory=set)
    seen: dict[UUID, int] = field(default_factory=dict)
    versions: dict[AggregateKey, Version] = field(default_factory=dict)
    parked: dict[int, Parked] = field(default_factory=dict)
    letters: dict[int, Letter] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    pauses: dict[TopicPartition, Pause] = field(default_factory=dict)
    applied: list[Envelope] = field(default_factory=list)

    def paused(self) -> set[TopicPartition]:
        return {at for at, pause in self.pauses.items() if not pause.resumed}


_CONSUMERS_OWN: Final = ("seen", "versions", "parked", "letters", "positions", "pauses", "applied")


class SimulatedDatabase:
    """Shared by all processes of the service."""

    def __init__(self, faults: Faults, dead_letter_limit: int = 1_000) -> None:
        self.tables = Tables()
        self.faults = faults
        self.dead_letter_limit = dead_letter_limit
        self.unstorable: dict[UUID, int] = {}
        """How many more times the bookkeeping of an event fails."""
        self.overrun: set[TopicPartition] = set()
        """Partitions that were read past their limit of dead letters."""
        self.history = 0
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

    def limit_of(self, at: TopicPartition) -> int:
        pause = self.tables.pauses.get(at)
        return pause.limit if pause is not None and pause.resumed else self.dead_letter_limit

    def letters(self) -> list[Letter]:
        return list(self.tables.letters.values())

    def dump(self) -> dict[str, Any]:
        """The consumers' tables as they are now."""
        kept = {name: copy(getattr(self.tables, name)) for name in _CONSUMERS_OWN}
        kept["parked"] = {id_: replace(row) for id_, row in self.tables.parked.items()}
        kept["letters"] = {id_: replace(letter) for id_, letter in self.tables.letters.items()}
        return kept

    def restore(self, dump: Mapping[str, Any]) -> None:
        """Set the consumers' tables back; what is under way has no database any more."""
        self.history += 1
        for name, table in dump.items():
            setattr(self.tables, name, table)

    def unblock(self) -> None:
        """The operator's retry: every blocked row is sent again, in order."""
        self.tables.blocked_keys.clear()
        self.tables.blocked_rows.clear()

    def open_keys(self) -> set[AggregateKey]:
        return {letter.key for letter in self.tables.letters.values() if letter.key and letter.resolution is None}


def letters_of(at: TopicPartition, letters: Iterable[Letter]) -> list[Letter]:
    """The open ones of a partition."""
    return [letter for letter in letters if letter.resolution is None and partition_of(letter.record) == at]


class Transaction:
    """What both kinds of transaction share: latency, loss, and statements that hang."""

    patience = STATEMENT_TIMEOUT

    def __init__(self, database: SimulatedDatabase, process: Process) -> None:
        self._database = database
        self._process = process
        self._lost = False
        self._committing = False
        self._history = database.history

    async def _round_trip(self) -> None:
        await self._process.pause()
        if self._stalls():
            await self._hang()
        if not self._lost and self._process.random.random() < self._database.faults.transaction_lost:
            self._lost = True
            self._end()
        if self._lost:
            raise ConnectionError("the server has ended this transaction")

    def _stalls(self) -> bool:
        return self._process.random.random() < self._database.faults.stalled

    async def _hang(self) -> None:
        """Whoever waits gives up first; its transaction is lost with the connection."""
        self._lost = True
        await asyncio.sleep(self.patience)
        raise TimeoutError("canceling statement due to statement timeout")

    async def commit(self) -> None:
        await self._round_trip()
        if self._stalls():
            self._committing = True
            asyncio.get_running_loop().call_later(self._process.random.uniform(0, 4), self._commit_unheard)
            await self._hang()
        self._carry_out()
        self._end()
        await self._process.pause()

    def _commit_unheard(self) -> None:
        """The server works on after the client has given up."""
        self._committing = False
        with suppress(LostRace):
            self._carry_out()
        self._end()

    def close(self) -> None:
        """The connection is gone, whether the process lives or not."""
        if not self._committing:
            self._end()

    def _carry_out(self) -> None:
        """Make all visible at once. Raises `LostRace`."""

    def _end(self) -> None:
        """Give back the locks."""
