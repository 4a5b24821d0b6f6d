"""What a consumer does with the records it reads. Pure: from a batch, and what is stored about its events and keys, to a plan of
what to apply, to park, to bury and to drop.

*Facts* are applied once per event id. *Changes* are applied version by version: not above the last one, skip; the next one,
apply; a gap, park until it fills; the first one seen is the baseline, and so is the first of a later epoch, which ends all
waiting of an earlier one; types without a handler advance the version too. *Snapshots* are applied if they are newer. Behind an
open dead letter everything of its key waits.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import Final, Literal, cast
from uuid import UUID

from guanxi_contracts.topics import TopicKind

from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.envelope import Envelope, Version
from guanxi_common.messaging.stored import stored_key

AggregateKey = tuple[str, str]
"""(topic, key), the key as it is stored."""

Place = tuple[str, int, int]
"""(topic, partition, offset)."""

Dedupe = Literal["inbox", "handler"]
ParkReason = Literal["gap", "behind"]


ERASURE_NOT_LISTED: Final = "erasure_not_listed"
"""A tombstone of a customer whom nobody has erased: it must neither take a version nor hold up the events of the key that it names."""


class Verdict(Enum):
    APPLY = auto()
    SKIP = auto()
    PARK = auto()


def decide(kind: TopicKind, last: Version | None, version: Version) -> Verdict:
    """What to do with `version` of an aggregate whose `last` version was taken over before."""
    if last is None:
        return Verdict.APPLY
    if version <= last:
        return Verdict.SKIP
    if kind == "changes" and version.epoch == last.epoch and version.number > last.number + 1:
        return Verdict.PARK
    return Verdict.APPLY


FAR_AHEAD: Final = 10_000


def is_jump(kind: TopicKind, last: Version | None, version: Version) -> bool:
    """Whether a snapshot's version, or its epoch, is so far ahead that somebody should look: what comes after it as usual is stale.

    It is applied all the same: versions of snapshots are never judged by their distance.
    """
    if kind != "snapshots" or last is None:
        return False
    (last_epoch, last_number), (epoch, number) = last, version
    return (epoch - last_epoch if epoch != last_epoch else number - last_number) > FAR_AHEAD


class Role(Enum):
    """What a type is to a consumer."""

    HANDLED = auto()
    IGNORED = auto()
    SIBLING = auto()
    """Another major version of a handled type: published beside it for others, so it does not count as a version of its own."""
    UNSUPPORTED = auto()
    """A major version that this build has no schema for."""


@dataclass(frozen=True)
class TopicRules:
    """How the records of one topic are treated. `known` are the types of the contract."""

    kind: TopicKind
    handled: frozenset[str]
    known: frozenset[str]
    dedupe: Dedupe = "inbox"

    @property
    def keeps_ids(self) -> bool:
        """Whether event ids are kept in the inbox. Of snapshots the version says enough."""
        return self.dedupe == "inbox" and self.kind != "snapshots"

    @cached_property
    def trusts_handler(self) -> bool:
        """Whether an event asks for nothing but its handler, where nothing of the batch's keys is blocked."""
        return self.kind == "facts" and not self.keeps_ids

    @cached_property
    def _handled_stems(self) -> frozenset[str]:
        return frozenset(_stem(type_) for type_ in self.handled)

    @cached_property
    def _known_stems(self) -> frozenset[str]:
        return frozenset(_stem(type_) for type_ in self.known)

    def role(self, type_: str) -> Role:
        if type_ in self.handled:
            return Role.HANDLED
        stem = _stem(type_)
        if type_ in self.known:
            return Role.SIBLING if stem in self._handled_stems else Role.IGNORED
        return Role.UNSUPPORTED if stem in self._known_stems else Role.IGNORED


def _stem(type_: str) -> str:
    return type_.rpartition(".v")[0]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record to be dealt with: just read, or parked before (`parked_id`). Where there is no envelope, `reason` says why.

    A record that is not its producer's (`trusted` False) has no key: it must not hold up the events of the key that it names.
    `again`: a rebuild reads it once more, and its effects outside replicas have happened.
    """

    record: Record
    envelope: Envelope | None
    payload_hash: int = 0
    reason: str = ""
    parked_id: int | None = None
    trusted: bool = True
    again: bool = False

    @property
    def key(self) -> AggregateKey | None:
        if not self.trusted:
            return None
        if self.envelope is not None:
            return self.envelope.topic, stored_key(self.envelope.key)
        raw = self.record.key
        try:
            return None if raw is None else (self.record.topic, stored_key(raw.decode()))
        except UnicodeDecodeError:
            return None

    @property
    def place(self) -> Place:
        return self.record.topic, self.record.partition, self.record.offset


@dataclass(frozen=True, slots=True)
class State:
    """What is stored about the events and keys of a batch."""

    seen: Mapping[UUID, int] = field(default_factory=dict)
    """Event ids taken over before this batch, with the hash of their payload."""
    versions: Mapping[AggregateKey, Version] = field(default_factory=dict)
    blocked: AbstractSet[AggregateKey] = frozenset()
    """Keys with an open dead letter, or with events that wait behind one."""
    waiting: Mapping[AggregateKey, Mapping[Version, Arrival]] = field(default_factory=dict)
    """Changes parked for a gap, by version."""
    held: AbstractSet[Place] = frozenset()
    """Of the facts that are read again, those that wait as they are: parked, or as a dead letter that was not applied."""


@dataclass(frozen=True, slots=True)
class Burial:
    """An arrival for the dead letters; `error` says more than `reason`, without the event's content."""

    arrival: Arrival
    reason: str
    error: str


@dataclass(slots=True)
class Plan:
    """What to do with a batch. `rest` is what a plan of a single step has left to do."""

    apply: list[Arrival] = field(default_factory=list)
    dead: list[Burial] = field(default_factory=list)
    parked: list[tuple[Arrival, ParkReason]] = field(default_factory=list)
    unparked: list[int] = field(default_factory=list)
    versions: dict[AggregateKey, tuple[Version | None, Version]] = field(default_factory=dict)
    """key → (version stored now, version to store)."""
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, outcome) → number of records."""
    rest: list[Arrival] = field(default_factory=list)

    @classmethod
    def unstorable(cls, arrivals: Sequence[Arrival], error: str) -> "Plan":
        """For a first arrival whose plan cannot be stored: it goes to the dead letters without key, id and version."""
        first = arrivals[0]
        plan = cls(dead=[Burial(first, "unstorable", error)], rest=list(arrivals[1:]))
        plan.outcomes[first.record.topic, "dead"] += 1
        return plan

    def bury(self, reason: str, error: str) -> None:
        """The events to apply turned out to be unfit: they keep their version and go to the dead letters."""
        if reason == ERASURE_NOT_LISTED:
            self.versions.clear()  # of the one event that the plan has
            self.apply = [replace(arrival, trusted=False) for arrival in self.apply]
        for arrival in self.apply:
            self.dead.append(Burial(arrival, reason, error))
            self.outcomes[arrival.record.topic, "dead"] += 1
            self.outcomes[arrival.record.topic, "applied"] -= 1
        self.apply.clear()


def plan_batch(rules: Mapping[str, TopicRules], state: State, arrivals: Iterable[Arrival]) -> Plan:
    """The plan of a whole batch, in the order of the arrivals."""
    return _Planner(rules, state).run(deque(arrivals), single=False)


def plan_one(rules: Mapping[str, TopicRules], state: State, arrivals: Sequence[Arrival]) -> Plan:
    """The plan of the first arrival alone; `rest` is what follows, led by a parked event whose gap it fills."""
    return _Planner(rules, state).run(deque(arrivals), single=True)


class _Planner:
    def __init__(self, rules: Mapping[str, TopicRules], state: State) -> None:
        self._rules = rules
        self._seen: dict[UUID, int | None] = dict(state.seen)
        self._stored = state.versions
        self._blocked = set(state.blocked)
        self._held = state.held
        self._waiting = {key: dict(waiting) for key, waiting in state.waiting.items()}
        self._now_waiting: set[int] = set()
        self._plan = Plan()

    def run(self, queue: deque[Arrival], *, single: bool) -> Plan:
        while queue:
            follower = self._place(queue.popleft())
            if single:
                queue.extendleft([follower] if follower else [])
                break
            while follower is not None:
                follower = self._place_in_order(follower)
        plan = self._plan
        plan.rest = list(queue)
        for (topic, _), waiting in self._waiting.items():
            fresh = [arrival for arrival in waiting.values() if id(arrival) in self._now_waiting]
            plan.parked.extend((arrival, "gap") for arrival in fresh)
            plan.outcomes[topic, "parked"] += len(fresh)
        return plan

    def _place(self, arrival: Arrival) -> Arrival | None:
        """Decide about one arrival; return the waiting one that is due after it."""
        envelope = arrival.envelope
        if arrival.again and arrival.place in self._held:
            return self._drop(arrival, "duplicate")
        if envelope is None:
            return self._reject(arrival, arrival.reason)
        rules = self._rules[envelope.topic]
        if rules.trusts_handler and envelope.type in rules.handled and not self._blocked and arrival.parked_id is None:
            self._plan.apply.append(arrival)
            self._plan.outcomes[envelope.topic, "applied"] += 1
            return None
        role = rules.role(envelope.type)
        if role is Role.SIBLING or (role is Role.IGNORED and rules.kind != "changes"):
            return self._drop(arrival, "ignored")
        if rules.kind != "facts" and envelope.aggregate_version is None:
            return self._reject(arrival, "missing_version")
        if role is Role.HANDLED and rules.keeps_ids and arrival.parked_id is None:
            known = self._seen.setdefault(envelope.id, None)
            if known is None:
                self._seen[envelope.id] = arrival.payload_hash
            elif known != arrival.payload_hash:
                return self._reject(arrival, "payload_differs")
            else:
                return self._drop(arrival, "duplicate")
        return self._place_in_order(arrival)

    def _place_in_order(self, arrival: Arrival) -> Arrival | None:
        """Decide about an arrival that is known not to be a repeat."""
        envelope, key = cast("Envelope", arrival.envelope), cast("AggregateKey", arrival.key)
        kind, version = self._rules[envelope.topic].kind, envelope.version
        verdict = Verdict.APPLY if kind == "facts" else decide(kind, self._last(key), version)
        if verdict is Verdict.SKIP:
            return self._drop(arrival, "stale")
        if key in self._blocked and not (arrival.again and kind == "facts"):
            self._plan.outcomes[envelope.topic, "parked"] += arrival.parked_id is None
            self._plan.parked.append((arrival, "behind"))
            return None
        if verdict is Verdict.PARK:
            return self._wait(arrival, key, version)
        return self._apply(arrival, envelope, key)

    def _wait(self, arrival: Arrival, key: AggregateKey, version: Version) -> Arrival | None:
        waiting = self._waiting.setdefault(key, {})
        if version in waiting:
            return self._drop(arrival, "duplicate")
        waiting[version] = arrival
        self._now_waiting.add(id(arrival))
        return None

    def _apply(self, arrival: Arrival, envelope: Envelope, key: AggregateKey) -> Arrival | None:
        rules = self._rules[envelope.topic]
        role = rules.role(envelope.type)
        if role is Role.UNSUPPORTED:
            return self._reject(arrival, "unsupported_version")
        if role is Role.HANDLED:
            self._plan.apply.append(arrival)
            self._plan.outcomes[envelope.topic, "applied"] += 1
        else:
            self._plan.outcomes[envelope.topic, "ignored"] += 1
        self._unpark(arrival)
        return None if rules.kind == "facts" else self._advance(key, envelope.version)

    def _advance(self, key: AggregateKey, version: Version) -> Arrival | None:
        self._plan.versions[key] = (self._stored.get(key), version)
        waiting = self._waiting.get(key, {})
        for outlived in [other for other in waiting if other.epoch < version.epoch]:
            self._drop(waiting.pop(outlived), "stale")
        return waiting.pop(version._replace(number=version.number + 1), None)

    def _reject(self, arrival: Arrival, reason: str) -> Arrival | None:
        """To the dead letters. A version that is due counts as taken over, so that its successor can follow a skip."""
        self._plan.dead.append(Burial(arrival, reason, reason))
        self._plan.outcomes[arrival.record.topic, "dead"] += 1
        self._unpark(arrival)
        key, envelope = arrival.key, arrival.envelope
        if key is None:
            return None
        self._blocked.add(key)
        kind = self._rules[arrival.record.topic].kind
        if kind == "facts" or envelope is None or envelope.aggregate_version is None:
            return None
        if decide(kind, self._last(key), envelope.version) is not Verdict.APPLY:
            return None
        return self._advance(key, envelope.version)

    def _drop(self, arrival: Arrival, outcome: str) -> Arrival | None:
        self._plan.outcomes[arrival.record.topic, outcome] += 1
        self._unpark(arrival)
        return None

    def _unpark(self, arrival: Arrival) -> None:
        if arrival.parked_id is not None:
            self._plan.unparked.append(arrival.parked_id)

    def _last(self, key: AggregateKey) -> Version | None:
        planned = self._plan.versions.get(key)
        return planned[1] if planned else self._stored.get(key)
