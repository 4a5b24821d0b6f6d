"""What must hold at every moment of a run, and at its end."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_contracts.codec import DecodeError, decode
from guanxi_contracts.topics import TopicKind

from guanxi_testing.simulation.broker import SimulatedBroker, partition_of
from guanxi_testing.simulation.storage import SimulatedDatabase

Cure = Literal["replay", "skip"]


class InvariantViolated(AssertionError):
    """A promise is broken; the text has the seed to see it again."""


@dataclass(slots=True)
class Ledger:
    """What the writers have done: the truth that everything else is held against."""

    committed: dict[UUID, Envelope] = field(default_factory=dict)
    poisoned: dict[UUID, Cure] = field(default_factory=dict)
    ignored: set[UUID] = field(default_factory=set)
    """Events of a type without a handler; the newer release has one for it."""
    newer: set[UUID] = field(default_factory=set)
    """Events of a version that only the newer release knows."""
    unstorable: set[UUID] = field(default_factory=set)
    """Events whose bookkeeping fails, some times or always."""
    never_storable: set[UUID] = field(default_factory=set)
    given_up: set[UUID] = field(default_factory=set)
    """Events of rows that the operator has skipped, since nobody can read them."""
    newest: dict[str, int] = field(default_factory=dict)
    """key → the last version of the aggregate."""

    def never_applied(self) -> set[UUID]:
        skipped = {event_id for event_id, cure in self.poisoned.items() if cure == "skip"}
        return self.ignored | self.given_up | skipped

    def may_be_buried(self) -> set[UUID]:
        return self.poisoned.keys() | self.newer | self.unstorable

    def must_be_buried(self, kinds: dict[str, TopicKind]) -> set[UUID]:
        """A snapshot may become stale before anybody stores it, and a poisoned event may turn out to be unstorable."""
        stuck = {event_id for event_id in self.never_storable if kinds[self.committed[event_id].topic] != "snapshots"}
        return (self.poisoned.keys() | stuck) - self.given_up


def check_offset(
    database: SimulatedDatabase, kinds: dict[str, TopicKind], log: list[Record], before: int, offset: int, at: TopicPartition
) -> None:
    """No offset is committed before the effects of the records below it are."""
    tables = database.tables
    held = {row.arrival.envelope.id for row in tables.parked.values() if row.arrival.envelope}
    held |= {letter.event_id for letter in tables.letters.values() if letter.event_id}
    buried = {letter.record.offset for letter in tables.letters.values() if partition_of(letter.record) == at}
    applied = {envelope.id for envelope in tables.applied}
    for record in log[before:offset]:
        envelope = _event_in(record)
        if envelope is None:
            _demand(record.offset in buried, f"offset {offset} of {at} is committed without a trace of the bad record before it")
            continue
        if envelope.id in held or envelope.id in applied:
            continue
        last = tables.versions.get((envelope.topic, envelope.key))
        if kinds[at.topic] == "facts" or last is None or envelope.version > last:
            raise InvariantViolated(f"offset {offset} of {at} is committed before the event at {record.offset} had its effect")


def _event_in(record: Record) -> Envelope | None:
    try:
        return decode(record)
    except DecodeError:
        return None


def check_end(database: SimulatedDatabase, broker: SimulatedBroker, ledger: Ledger, kinds: dict[str, TopicKind]) -> None:
    """Committed = published = applied exactly once, in order; the dead letters are the bad ones and no others."""
    published = {envelope.id for log in broker.logs.values() for record in log if (envelope := _event_in(record))}
    _demand(published == ledger.committed.keys() - ledger.given_up, "what is published is not what was committed")
    tables = database.tables
    _demand(not tables.outbox, "rows are left in the outbox")
    _demand(not tables.parked, "parked events are left")
    _demand(not tables.paused(), "a partition stands still")
    buried = {letter.event_id for letter in tables.letters.values() if letter.event_id}
    _demand(buried <= ledger.may_be_buried(), "a healthy event is a dead letter")
    _demand(buried >= ledger.must_be_buried(kinds), "a bad event is no dead letter")
    unread = {_place_of(letter.record) for letter in tables.letters.values() if letter.event_id is None}
    _demand(unread == broker.foreign, "the unreadable dead letters are not the bad records")
    times = Counter(envelope.id for envelope in tables.applied)
    _demand(max(times.values(), default=1) == 1, "an event was applied twice")
    expected = {
        id_ for id_, envelope in ledger.committed.items() if kinds[envelope.topic] != "snapshots"
    } - ledger.never_applied()
    applied = {id_ for id_ in times if kinds[ledger.committed[id_].topic] != "snapshots"} - ledger.ignored
    _demand(applied == expected, f"{len(expected - applied)} events were not applied, {len(applied - expected)} wrongly so")
    read = {at: len(log) for at, log in broker.logs.items()}
    _demand(tables.positions == read, "the stored positions are not the logs' ends")
    _check_order(database, ledger, kinds)


def _check_order(database: SimulatedDatabase, ledger: Ledger, kinds: dict[str, TopicKind]) -> None:
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for envelope in database.tables.applied:
        if envelope.aggregate_version is not None:
            versions[envelope.topic, envelope.key].append(envelope.aggregate_version)
    left_out: dict[tuple[str, str], set[int]] = defaultdict(set)
    for event_id in ledger.never_applied():
        envelope = ledger.committed[event_id]
        left_out[envelope.topic, envelope.key].add(envelope.aggregate_version or 0)
    for (topic, key), seen in versions.items():
        if kinds[topic] == "changes":
            last = ledger.newest[key]
            whole = [version for version in range(1, last + 1) if version not in left_out[topic, key]]
            _demand(seen == sorted(set(seen)), f"versions of {key} were applied as {seen}")
            _demand([one for one in seen if one not in left_out[topic, key]] == whole, f"of {key}, {seen} were applied")
        else:
            _demand(seen == sorted(set(seen)), f"snapshots of {key} went back: {seen}")
    newest = {key: seen[-1] for (topic, key), seen in versions.items() if kinds[topic] == "snapshots"}
    _demand(newest == ledger.newest, "a snapshot did not end at the newest version")


def check_before_the_operator(database: SimulatedDatabase, broker: SimulatedBroker, ledger: Ledger) -> None:
    """What is stuck is bad, or behind what is bad, and an operator sees it: dead letters, blocked keys, paused partitions."""
    tables = database.tables
    for letter in tables.letters.values():
        bad = letter.event_id in ledger.may_be_buried() if letter.event_id else _place_of(letter.record) in broker.foreign
        _demand(bad, "a healthy event is a dead letter")
    blocked = database.open_keys()
    for row in tables.parked.values():
        _demand(row.reason == "gap" or row.arrival.key in blocked, "an event waits behind no dead letter")
    poison_applied = [envelope for envelope in tables.applied if envelope.id in ledger.poisoned]
    _demand(not poison_applied, "a poisoned event was applied")
    _demand(not database.overrun, f"{database.overrun} were read on past their limit")
    _check_blocked(database, broker)


def _check_blocked(database: SimulatedDatabase, broker: SimulatedBroker) -> None:
    """Each blocked key has its cause, and each row that is not sent a blocked key."""
    tables = database.tables
    for sequence in tables.blocked_keys.values():
        row = tables.outbox[sequence]
        refused = any(dict(record.headers)["ce_id"] in broker.refused for record in row.records)
        _demand(refused or sequence in tables.corrupt_rows | tables.newer_rows, f"row {sequence} blocks its key for no reason")
    for sequence, row in tables.outbox.items():
        keys = {(row.topic, record.key) for record in row.records} | {(row.topic, f"outbox row {sequence}".encode())}
        _demand(not keys.isdisjoint(tables.blocked_keys), f"row {sequence} waits behind no blocked key")


def _place_of(record: Record) -> tuple[TopicPartition, int]:
    return partition_of(record), record.offset


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvariantViolated(otherwise)
