"""Taking over a batch of records in one transaction: the consumer without its broker.

The batch is first tried as a whole. If that fails for good, it is done again event by event, each under a savepoint with its
bookkeeping, so that the culprit alone goes to the dead letters and all else of the batch is applied, in the same single transaction.
A partition that makes as many dead letters as its limit is read no further; what it has made is kept.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from time import time_ns
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec
import structlog
from guanxi_contracts.topics import load_topics

from guanxi_common.context import CallContext, reset_context, set_context
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging import metrics
from guanxi_common.messaging.arrivals import arrive
from guanxi_common.messaging.bus import Record, TopicPartition
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import PermanentError, describe, is_transient, reason_of
from guanxi_common.messaging.inbox import InboxStore, InboxTransaction
from guanxi_common.messaging.policy import Arrival, Dedupe, Plan, State, TopicRules, is_jump, plan_batch, plan_one
from guanxi_common.messaging.positions import Move, ReadAgain, Taken, is_read_again
from guanxi_common.messaging.signing import NOT_FROM_ITS_PRODUCER, EventVerifier
from guanxi_common.telemetry.traces import record_spans

log = structlog.get_logger(__name__)

Handler = Callable[[UnitOfWork, Sequence[Envelope]], Awaitable[None]]
"""Applies events in the runner's transaction, which it never commits. Raises `PermanentError` for an event that can never be
applied, and lets any failure of the database through. For events of its own it passes `caused_by` to the outbox."""

Failure = tuple[str, str]
"""A dead letter's reason and error."""

RELEASE_LIMIT: Final = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Subscription:
    """A topic, and the handler of each type that the service applies there; it ignores the others.

    A handler registered for several types gets their events interleaved, in order. `dedupe="handler"`: the handler itself applies
    a repeated event once (its own key is the dedupe), and the inbox keeps no ids; for facts only. `parsed_by="handler"`: it gets
    `Envelope.raw` and parses it with `read_fact`, so that no value is parsed twice; only with its own dedupe.
    """

    topic: str
    handlers: Mapping[str, Handler]
    dedupe: Dedupe = "inbox"
    parsed_by: Literal["runner", "handler"] = "runner"

    def __post_init__(self) -> None:
        if self.dedupe == "handler" and load_topics()[self.topic].kind != "facts":
            raise ValueError(f"{self.topic} is not a topic of facts: its versions are the runner's to guard")
        if self.parsed_by == "handler" and self.dedupe != "handler":
            raise ValueError(f"{self.topic}: the inbox compares what a repeated id said, so the runner must parse")

    def rules(self) -> TopicRules:
        topic = load_topics()[self.topic]
        return TopicRules(topic.kind, frozenset(self.handlers), frozenset(topic.types), self.dedupe)


def read_fact(event: Envelope, decoder: msgspec.json.Decoder[T]) -> T:
    """The event's data as the decoder's type, straight from the record's bytes. Raises `PermanentError`."""
    try:
        if event.raw is not None:
            return decoder.decode(event.raw)
        return msgspec.convert(event.data, decoder.type, strict=decoder.strict)  # replayed, or released
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error


class Processor:
    """Applies the records of one consumer group, on signed topics only those that `verifier` accepts.

    `dead_letter_limit`: how many dead letters a partition may have made within an hour and have open, before it is paused.
    """

    def __init__(
        self,
        store: InboxStore,
        group: str,
        subscriptions: Sequence[Subscription],
        *,
        verifier: EventVerifier | None = None,
        dead_letter_limit: int = 100,
    ) -> None:
        self._store = store
        self._group = group
        self._rules = {subscription.topic: subscription.rules() for subscription in subscriptions}
        self._handlers = {subscription.topic: subscription.handlers for subscription in subscriptions}
        self._unparsed = {subscription.topic for subscription in subscriptions if subscription.parsed_by == "handler"}
        self._verifier = verifier or EventVerifier({})
        self._dead_letter_limit = dead_letter_limit

    async def process(
        self,
        records: Sequence[Record],
        moves: Sequence[Move] = (),
        again: ReadAgain | None = None,
        *,
        failure: Failure | None = None,
    ) -> Taken:
        """Take over the records and move the group's positions; on return all is durable and the offsets may be committed.

        With a `failure` no handler is called again: the records go to the dead letters with it.
        What is read `again` for a rebuild is applied though its event id is known, under `UnitOfWork.replaying`; facts that wait
        as dead letters or parked stay as they are, to be applied with all their effects.
        A partition that has reached its limit of dead letters stands at the first record that was not taken over, and is paused.
        Without its move it has no limit. Raises a transient error with nothing done, `LostRace` where another member has moved
        a position.
        """
        arrivals = [self._arrive(record, parse=record.topic not in self._unparsed) for record in records]
        if again:
            arrivals = [replace(arrival, again=is_read_again(arrival.record, again)) for arrival in arrivals]
        if failure is not None:
            async with self._store.begin(self._group) as transaction:
                return await self._one_by_one(transaction, arrivals, moves, failure, released=False)
        return await self._take_over(arrivals, moves, released=False)

    async def release(self) -> int:
        """Do what operators have asked for: replay dead letters, and apply what waited behind settled ones. Returns how many."""
        done = await self._replay()
        while count := await self._release_one_key():
            done += count
        return done

    def _arrive(self, record: Record, *, parked_id: int | None = None, parse: bool = True) -> Arrival:
        """Also for what was read before: a key may have been taken out meanwhile."""
        if self._verifier.accepts(record):
            return arrive(record, parked_id=parked_id, parse=parse)
        return Arrival(record, None, 0, NOT_FROM_ITS_PRODUCER, parked_id, trusted=False)

    async def _take_over(self, arrivals: Sequence[Arrival], moves: Sequence[Move], *, released: bool) -> Taken:
        try:
            async with self._store.begin(self._group) as transaction:
                state = await self._load(transaction, arrivals, moves, released=released)
                plan = plan_batch(self._rules, state, arrivals)
                await self._demand_room(transaction, plan, moves)
                await self._handle(transaction, plan.apply)
                await transaction.write(plan)
                await self._finish(transaction, [plan])
        except Exception as error:
            _raise_if_transient(error)
            log.warning("batch_goes_one_by_one", group=self._group, records=len(arrivals), error=describe(error))
            async with self._store.begin(self._group) as transaction:
                return await self._one_by_one(transaction, list(arrivals), moves, None, released=released)
        return Taken({move.at: move.after for move in moves})

    async def _demand_room(self, transaction: InboxTransaction, plan: Plan, moves: Sequence[Move]) -> None:
        """Raise `_LimitInSight` where the plan's dead letters reach a partition's limit: only one by one shows at which record."""
        made = Counter(_partition_of(burial.arrival) for burial in plan.dead)
        limited = [move.at for move in moves if move.at in made]
        room = await transaction.allowances(limited, self._dead_letter_limit) if limited else {}
        if any(made[at] >= left for at, left in room.items()):
            raise _LimitInSight

    async def _one_by_one(
        self,
        transaction: InboxTransaction,
        queue: list[Arrival],
        moves: Sequence[Move],
        failure: Failure | None,
        *,
        released: bool,
    ) -> Taken:
        room = defaultdict[TopicPartition, float](lambda: inf)
        room.update(await transaction.allowances([move.at for move in moves], self._dead_letter_limit))
        positions = {move.at: move.after for move in moves}
        paused: set[TopicPartition] = set()
        plans: list[Plan] = []
        while queue:
            plan = await self._step(transaction, queue, failure, released=released)
            plans.append(plan)
            queue = plan.rest
            for at in (_partition_of(burial.arrival) for burial in plan.dead):
                room[at] -= 1
                if room[at] <= 0 and at not in paused:
                    paused.add(at)
                    queue, positions[at] = _stop_reading(queue, at, positions[at])
        await transaction.move([replace(move, after=positions[move.at]) for move in moves])
        if paused:
            await transaction.pause(sorted(paused), self._dead_letter_limit)
        await self._finish(transaction, plans)
        for at in sorted(paused):
            log.error("partition_paused", group=self._group, place=f"{at.topic}[{at.partition}]@{positions[at]}")
        return Taken(positions, frozenset(paused))

    async def _step(
        self, transaction: InboxTransaction, queue: Sequence[Arrival], failure: Failure | None, *, released: bool
    ) -> Plan:
        """Take over the first of the queue, or bury it, with its bookkeeping or, where that cannot be stored, without."""
        if failure is None:
            try:
                async with transaction.savepoint():
                    return await self._take_first(transaction, queue, None, released=released)
            except Exception as error:
                _raise_if_transient(error)
                failure = (reason_of(error), describe(error))
        try:
            async with transaction.savepoint():
                return await self._take_first(transaction, queue, failure, released=released)
        except Exception as error:
            _raise_if_transient(error)
            log.exception("bookkeeping_not_stored", group=self._group, error=describe(error))
            plan = Plan.unstorable(queue, describe(error))
        async with transaction.savepoint():
            await transaction.bury_bare(plan.dead[0])
        return plan

    async def _take_first(
        self, transaction: InboxTransaction, queue: Sequence[Arrival], failure: Failure | None, *, released: bool
    ) -> Plan:
        plan = plan_one(self._rules, await self._load(transaction, queue[:1], released=released), queue)
        if failure is None:
            await self._handle(transaction, plan.apply)
        else:
            plan.bury(*failure)
        await transaction.write(plan)
        return plan

    async def _load(
        self, transaction: InboxTransaction, arrivals: Sequence[Arrival], moves: Sequence[Move] = (), *, released: bool
    ) -> State:
        hashes: dict[UUID, int] = {}
        versioned = set()
        for arrival in arrivals:
            rules = self._rules[arrival.record.topic]
            if rules.kind == "facts" and not rules.keeps_ids:
                continue
            key = arrival.key
            if key is None:
                continue
            if rules.kind != "facts":
                versioned.add(key)
            envelope = arrival.envelope
            if rules.keeps_ids and envelope is not None and arrival.parked_id is None and envelope.type in rules.handled:
                hashes.setdefault(envelope.id, arrival.payload_hash)
        seen = await transaction.admit(hashes) if hashes else {}
        state = await transaction.load(list(versioned), released=released, moves=moves)
        again = [arrival for arrival in arrivals if arrival.again]
        known = {arrival.envelope.id for arrival in again if arrival.envelope}
        facts = [arrival for arrival in again if self._rules[arrival.record.topic].kind == "facts"]
        return replace(
            state,
            seen={event_id: payload_hash for event_id, payload_hash in seen.items() if event_id not in known},
            held=await transaction.held(facts) if facts else frozenset(),
        )

    async def _handle(self, transaction: InboxTransaction, admitted: Sequence[Arrival]) -> None:
        """What is read again comes first: it is older than all else of its partition."""
        again = [arrival for arrival in admitted if arrival.again]
        if again:
            transaction.uow.replaying = True
            try:
                await self._call(transaction, again)
            finally:
                transaction.uow.replaying = False
            admitted = [arrival for arrival in admitted if not arrival.again]
        await self._call(transaction, admitted)

    async def _call(self, transaction: InboxTransaction, admitted: Sequence[Arrival]) -> None:
        envelopes = [arrival.envelope for arrival in admitted if arrival.envelope is not None]
        for handler, events in calls(envelopes, self._handlers):
            only = events[0] if len(events) == 1 else None
            token = set_context(
                CallContext(
                    actor=f"system:{self._group}",
                    traceparent=only.traceparent if only else None,
                    causation_id=str(only.id) if only else None,
                )
            )
            began = time_ns()
            try:
                await handler(transaction.uow, events)
            finally:
                reset_context(token)
            # A batch is handled as one, and is a step in the trace of each of its events.
            record_spans("handle events", (event.traceparent for event in events), began_ns=began, group=self._group)

    async def _finish(self, transaction: InboxTransaction, plans: Sequence[Plan]) -> None:
        await transaction.commit()
        for plan in plans:
            self._report(plan)

    def _report(self, plan: Plan) -> None:
        for (topic, outcome), count in plan.outcomes.items():
            metrics.EVENTS.labels(self._group, topic, outcome).inc(count)
        for (topic, _), (last, version) in plan.versions.items():
            if is_jump(self._rules[topic].kind, last, version):
                metrics.VERSION_JUMPS.labels(self._group, topic).inc()
                log.error("snapshot_version_jumps", group=self._group, topic=topic, last=last, version=version)
        for burial in plan.dead:
            record = burial.arrival.record
            metrics.DEAD_LETTERS.labels(self._group, record.topic, burial.reason).inc()
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            log.error("dead_letter", group=self._group, place=place, error=burial.error)

    async def _replay(self) -> int:
        async with self._store.begin(self._group) as transaction:
            if not await transaction.lock_replays():
                return 0
            replays = await transaction.requested_replays(RELEASE_LIMIT)
            for replay in replays:
                failure = None
                try:
                    async with transaction.savepoint():
                        if replay.record is None:
                            raise PermanentError("unreadable_record")
                        again = self._apply_again if replay.has_key else self._apply_in_turn
                        await again(transaction, self._arrive(replay.record))
                except Exception as error:
                    _raise_if_transient(error)
                    failure = (reason_of(error), describe(error))
                await transaction.settle_replay(replay, failure)
            if replays:
                await transaction.commit()
        return len(replays)

    async def _apply_again(self, transaction: InboxTransaction, arrival: Arrival) -> None:
        """Apply a dead letter: its id and version count as taken over already, so neither is asked for."""
        if arrival.envelope is None:
            raise PermanentError(arrival.reason)
        if arrival.envelope.type not in self._handlers[arrival.envelope.topic]:
            raise PermanentError("no_handler")
        await self._handle(transaction, [arrival])

    async def _apply_in_turn(self, transaction: InboxTransaction, arrival: Arrival) -> None:
        """Apply a dead letter that has taken no place in the order of its key, as if it had just been read."""
        if arrival.envelope is None:
            raise PermanentError(arrival.reason)
        plan = plan_one(self._rules, await self._load(transaction, [arrival], released=False), [arrival])
        if plan.dead:
            raise PermanentError(plan.dead[0].reason)
        await self._handle(transaction, plan.apply)
        await transaction.write(plan)

    async def _release_one_key(self) -> int:
        async with self._store.begin(self._group) as transaction:
            parked = await transaction.next_releasable(RELEASE_LIMIT)
        arrivals = [self._arrive(stored.record, parked_id=stored.id) for stored in parked if stored.record is not None]
        if arrivals:
            await self._take_over(arrivals, (), released=True)
        return len(arrivals)


class _LimitInSight(Exception):
    """The batch makes more dead letters than a partition may."""


def _raise_if_transient(error: Exception) -> None:
    if is_transient(error):
        raise error


def _partition_of(arrival: Arrival) -> TopicPartition:
    return TopicPartition(arrival.record.topic, arrival.record.partition)


def _stop_reading(queue: Sequence[Arrival], at: TopicPartition, end: int) -> tuple[list[Arrival], int]:
    """The queue without what was read from the partition, and where it is to be read on. What was parked is the group's already."""
    unread = [arrival for arrival in queue if arrival.parked_id is None and _partition_of(arrival) == at]
    left = [arrival for arrival in queue if arrival.parked_id is not None or _partition_of(arrival) != at]
    return left, min((arrival.record.offset for arrival in unread), default=end)


def calls(events: Iterable[Envelope], handlers: Mapping[str, Mapping[str, Handler]]) -> list[tuple[Handler, list[Envelope]]]:
    """Group events into few handler calls that keep the order of every key.

    Where all have one handler, that is one call. Else an event goes into the round of its key's event before it if both have the same
    handler, and into the next round if not.
    """
    events = list(events)
    if len(used := {handlers[topic][type_] for topic, type_ in {(event.topic, event.type) for event in events}}) == 1:
        return [(used.pop(), events)]
    rounds: list[dict[Handler, list[Envelope]]] = []
    latest: dict[tuple[str, str], tuple[int, Handler]] = {}
    for event in events:
        handler = handlers[event.topic][event.type]
        number, before = latest.get((event.topic, event.key), (0, handler))
        if before is not handler:
            number += 1
        latest[event.topic, event.key] = (number, handler)
        if number == len(rounds):
            rounds.append({})
        rounds[number].setdefault(handler, []).append(event)
    return [call for round_ in rounds for call in round_.items()]
