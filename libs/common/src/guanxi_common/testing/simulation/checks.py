"""What must hold at every moment of a run, and at its end."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from guanxi_contracts.codec import decode
from guanxi_contracts.topics import TopicKind

from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.testing.simulation.broker import SimulatedBroker
from guanxi_common.testing.simulation.storage import SimulatedDatabase

Cure = Literal["replay", "skip"]


class InvariantViolated(AssertionError):
    """A promise is broken; the text has the seed to see it again."""


@dataclass(slots=True)
class Ledger:
    """What the writers have done: the truth that everything else is held against."""

    committed: dict[UUID, Envelope] = field(default_factory=dict)
    poisoned: dict[UUID, Cure] = field(default_factory=dict)
    ignored: set[UUID] = field(default_factory=set)
    """Events of a type without a handler."""
    newest: dict[str, int] = field(default_factory=dict)
    """key → the last version of the aggregate."""

    def never_applied(self) -> set[UUID]:
        return self.ignored | {event_id for event_id, cure in self.poisoned.items() if cure == "skip"}


def check_offset(
    database: SimulatedDatabase, kinds: dict[str, TopicKind], log: list[Record], before: int, offset: int, at: TopicPartition
) -> None:
    """No offset is committed before the effects of the records below it are."""
    tables = database.tables
    held = {row.arrival.envelope.id for row in tables.parked.values() if row.arrival.envelope}
    held |= {letter.event_id for letter in tables.letters.values() if letter.event_id}
    applied = {envelope.id for envelope in tables.applied}
    for record in log[before:offset]:
        envelope = decode(record)
        if envelope.id in held or envelope.id in applied:
            continue
        last = tables.versions.get((envelope.topic, envelope.key))
        if kinds[at.topic] == "facts" or last is None or envelope.version > last:
            raise InvariantViolated(f"offset {offset} of {at} is committed before the event at {record.offset} had its effect")


def check_end(database: SimulatedDatabase, broker: SimulatedBroker, ledger: Ledger, kinds: dict[str, TopicKind]) -> None:
    """Committed = published = applied exactly once, in order; the dead letters are the poisoned events and no others."""
    published = {decode(record).id for log in broker.logs.values() for record in log}
    _demand(published == ledger.committed.keys(), "what is published is not what was committed")
    tables = database.tables
    _demand(not tables.outbox, "rows are left in the outbox")
    _demand(not tables.parked, "parked events are left")
    buried = {letter.event_id for letter in tables.letters.values()}
    _demand(buried == ledger.poisoned.keys(), "the dead letters are not the poisoned events")
    times = Counter(envelope.id for envelope in tables.applied)
    _demand(max(times.values(), default=1) == 1, "an event was applied twice")
    expected = {
        id_ for id_, envelope in ledger.committed.items() if kinds[envelope.topic] != "snapshots"
    } - ledger.never_applied()
    applied = {id_ for id_ in times if kinds[ledger.committed[id_].topic] != "snapshots"}
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
            _demand(seen == whole, f"versions of {key} were applied as {seen}")
        else:
            _demand(seen == sorted(set(seen)), f"snapshots of {key} went back: {seen}")
    newest = {key: seen[-1] for (topic, key), seen in versions.items() if kinds[topic] == "snapshots"}
    _demand(newest == ledger.newest, "a snapshot did not end at the newest version")


def check_poisoned_keys(database: SimulatedDatabase, ledger: Ledger) -> None:
    """Before the operator acts: the dead letters are poisoned, and only keys with one have events that wait behind."""
    tables = database.tables
    for letter in tables.letters.values():
        _demand(letter.event_id in ledger.poisoned, "a healthy event is a dead letter")
    blocked = database.open_keys()
    for row in tables.parked.values():
        _demand(row.reason == "gap" or row.arrival.key in blocked, "an event waits behind no dead letter")
    poison_applied = [envelope for envelope in tables.applied if envelope.id in ledger.poisoned]
    _demand(not poison_applied, "a poisoned event was applied")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvariantViolated(otherwise)
