"""A broker that keeps `bus.py`'s promises and nothing more: it duplicates, delays, loses acknowledgements, delivers after a time-out,
fences and forgets members. With `disorder` it even breaks the order of a key, as a faulty producer would."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from guanxi_common.messaging.bus import (
    AssignmentListener,
    BusError,
    BusUnavailable,
    CommitFenced,
    Outgoing,
    Record,
    RecordRejected,
    TopicPartition,
)
from guanxi_common.messaging.outbox.rows import shard_of

from guanxi_testing.simulation.faults import Faults
from guanxi_testing.simulation.loop import Process

PARTITIONS = 3
SESSION_TIMEOUT = 0.8


def partition_of(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


@dataclass(slots=True)
class Group:
    members: dict[int, float] = field(default_factory=dict)
    """member → when it was last heard of."""
    assigned: dict[TopicPartition, int] = field(default_factory=dict)
    epochs: dict[TopicPartition, int] = field(default_factory=lambda: defaultdict(int))
    committed: dict[TopicPartition, int] = field(default_factory=lambda: defaultdict(int))


class SimulatedBroker:
    """The servers. `on_commit(partition, before, offset)` sees every offset commit that takes effect."""

    def __init__(
        self, random: Random, faults: Faults, topics: Sequence[str], on_commit: Callable[[TopicPartition, int, int], None]
    ) -> None:
        self.random = random
        self.faults = faults
        self.logs = {TopicPartition(topic, number): list[Record]() for topic in topics for number in range(PARTITIONS)}
        self.groups: dict[str, Group] = defaultdict(Group)
        self.cuts = 1
        """Into how many more parts than one a producer cuts what it sends."""
        self.refused: set[bytes] = set()
        self.foreign: set[tuple[TopicPartition, int]] = set()
        """Where the records are that nobody can read."""
        self._on_commit = on_commit
        self._members = 0

    def append(self, record: Outgoing) -> None:
        self._append(record, shard_of(record.key) % PARTITIONS)

    def append_foreign(self, record: Outgoing) -> None:
        """One that nobody can read, on any partition."""
        at = TopicPartition(record.topic, self.random.randrange(PARTITIONS))
        self.foreign.add((at, len(self.logs[at])))
        self._append(record, at.partition)

    def _append(self, record: Outgoing, partition: int) -> None:
        log = self.logs[TopicPartition(record.topic, partition)]
        log.append(Record(record.topic, partition, len(log), record.key, record.value, record.headers, 0))

    def join(self, group: str) -> int:
        self._members += 1
        self.groups[group].members[self._members] = asyncio.get_running_loop().time()
        self._rebalance(self.groups[group])
        return self._members

    def leave(self, group: str, member: int) -> None:
        self.groups[group].members.pop(member, None)
        self._rebalance(self.groups[group])

    def hear(self, group: str, member: int) -> None:
        """A sign of life; whoever was silent for too long has left."""
        now = asyncio.get_running_loop().time()
        members = self.groups[group].members
        known = member in members
        members[member] = now
        silent = [other for other, heard in members.items() if now - heard > SESSION_TIMEOUT]
        for other in silent:
            del members[other]
        if silent or not known:
            self._rebalance(self.groups[group])

    def forget_someone(self) -> None:
        """Expel a random member, which does not know it and works on."""
        for group in self.groups.values():
            if group.members:
                del group.members[self.random.choice(sorted(group.members))]
                self._rebalance(group)

    def commit(
        self, group: str, member: int, epochs: Mapping[TopicPartition, int], offsets: Mapping[TopicPartition, int]
    ) -> None:
        state = self.groups[group]
        for at in offsets:
            if state.assigned.get(at) != member or state.epochs[at] != epochs.get(at):
                raise CommitFenced(f"{at} is no longer held")
        for at, offset in offsets.items():
            self._on_commit(at, state.committed[at], offset)
            state.committed[at] = offset

    def _rebalance(self, group: Group) -> None:
        members = sorted(group.members)
        for place, at in enumerate(sorted(self.logs)):
            holder = members[place % len(members)] if members else 0
            if group.assigned.get(at) != holder:
                group.assigned[at] = holder
                group.epochs[at] += 1


class SimulatedBus:
    """The client side, as one process sees it: `Bus`."""

    def __init__(self, broker: SimulatedBroker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def ensure_topics(self, topics: Sequence[Any]) -> None:  # noqa: ARG002  # the protocol's; all exist
        await self._process.pause()

    async def producer(self) -> "SimulatedProducer":
        await self._process.pause()
        return SimulatedProducer(self._broker, self._process)

    async def consumer(self, *, group: str, on_revoked: AssignmentListener | None = None, **_: Any) -> "SimulatedConsumer":
        await self._process.pause()
        if self._broker.random.random() < self._broker.faults.broker_down:
            raise BusUnavailable("no coordinator")
        return SimulatedConsumer(self._broker, self._process, group, self._broker.join(group), on_revoked)

    async def close(self) -> None:
        await self._process.pause()


class SimulatedProducer:
    def __init__(self, broker: SimulatedBroker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        """What has left the process arrives whether it lives on or not."""
        broker, faults = self._broker, self._broker.faults
        await self._process.pause()
        if any(dict(record.headers)["ce_id"] in broker.refused for record in records):
            return [RecordRejected("the batch has a record that is too large")] * len(records)
        results: list[BusError | None] = []
        for part in self._parts(records):
            delay = broker.random.uniform(0.0005, 0.01)
            arriving: list[Outgoing] = []
            results += [self._meet_fault(record, arriving) for record in part]
            asyncio.get_running_loop().call_later(delay, _append_all, broker, arriving)
            await self._process.pause(delay, delay + 0.005)
        if broker.random.random() < faults.broker_down:
            raise BusUnavailable("connection lost")
        return results

    def _parts(self, records: Sequence[Outgoing]) -> list[Sequence[Outgoing]]:
        """What leaves the process together: it can die between any two parts."""
        cuts = sorted(self._broker.random.sample(range(1, len(records)), k=min(len(records) - 1, self._broker.cuts)))
        return [records[start:end] for start, end in pairwise([0, *cuts, len(records)])]

    def _meet_fault(self, record: Outgoing, arriving: list[Outgoing]) -> BusError | None:
        broker, faults = self._broker, self._broker.faults
        drawn = broker.random.random()
        if drawn < faults.lost:
            return BusUnavailable("lost on the way")
        if drawn < faults.lost + faults.late:
            asyncio.get_running_loop().call_later(broker.random.uniform(0.01, 1.5), broker.append, record)
            return BusUnavailable("time-out, delivered later")
        if _may_be_disordered(record) and broker.random.random() < faults.disorder:
            asyncio.get_running_loop().call_later(broker.random.uniform(0.01, 1), broker.append, record)
            return None
        arriving.extend([record] * (2 if broker.random.random() < faults.duplicated else 1))
        return BusUnavailable("acknowledgement lost") if broker.random.random() < faults.ack_lost else None

    async def close(self) -> None:
        await self._process.pause()


def _append_all(broker: SimulatedBroker, records: Iterable[Outgoing]) -> None:
    for record in records:
        broker.append(record)


def _may_be_disordered(record: Outgoing) -> bool:
    """Not the first version: it is the baseline of its aggregate, and nothing tells a consumer that it is missing."""
    return dict(record.headers).get("ce_aggregateversion") != b"1"


@dataclass(slots=True)
class _Hold:
    epoch: int
    position: int


class SimulatedConsumer:
    """Partitions change hands inside `poll`."""

    def __init__(
        self, broker: SimulatedBroker, process: Process, group: str, member: int, on_revoked: AssignmentListener | None
    ) -> None:
        self._broker = broker
        self._process = process
        self._group = group
        self._member = member
        self._on_revoked = on_revoked
        self._holds: dict[TopicPartition, _Hold] = {}
        self._paused: set[TopicPartition] = set()

    async def poll(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            await self._process.pause()
            if self._broker.random.random() < self._broker.faults.broker_down:
                raise BusUnavailable("connection lost")
            self._broker.hear(self._group, self._member)
            await self._refresh()
            found = self._fetch(self._broker.random.randint(1, max_records))
            if found or loop.time() >= deadline:
                return found
            await asyncio.sleep(min(0.1, max(0.0, deadline - loop.time())))

    async def _refresh(self) -> None:
        state = self._broker.groups[self._group]
        mine = {at: state.epochs[at] for at, holder in state.assigned.items() if holder == self._member}
        lost = frozenset(at for at, hold in self._holds.items() if mine.get(at) != hold.epoch)
        for at in lost:
            del self._holds[at]
        if self._on_revoked is not None:
            await self._on_revoked(lost)
        for at in sorted(mine):
            self._holds.setdefault(at, _Hold(mine[at], state.committed[at]))

    def _fetch(self, limit: int) -> dict[TopicPartition, list[Record]]:
        found: dict[TopicPartition, list[Record]] = {}
        order = sorted(self._holds.keys() - self._paused)
        self._broker.random.shuffle(order)
        for at in order:
            hold = self._holds[at]
            records = self._broker.logs[at][hold.position : hold.position + limit]
            if records:
                found[at] = records
                hold.position += len(records)
                limit -= len(records)
            if limit <= 0:
                break
        return found

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._holds)

    async def seek(self, partition: TopicPartition, offset: int) -> None:
        await self._process.pause()
        if partition in self._holds:
            self._holds[partition].position = offset

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused |= set(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused -= set(partitions)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        await self._process.pause()
        if self._broker.random.random() < self._broker.faults.lost:
            raise BusUnavailable("commit lost")
        epochs = {at: hold.epoch for at, hold in self._holds.items()}
        self._broker.commit(self._group, self._member, epochs, offsets)
        await self._process.pause()
        if self._broker.random.random() < self._broker.faults.ack_lost:
            raise BusUnavailable("acknowledgement lost")

    async def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._process.pause()
        return dict.fromkeys(sorted(partitions), 0)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._process.pause()
        return {at: len(self._broker.logs[at]) for at in sorted(partitions)}

    async def position(self, partition: TopicPartition) -> int:
        if partition not in self._holds:
            raise CommitFenced(f"{partition} is not held")
        return self._holds[partition].position

    async def close(self) -> None:
        await self._process.pause()
        self._broker.leave(self._group, self._member)
