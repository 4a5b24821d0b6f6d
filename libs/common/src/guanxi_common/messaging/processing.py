"""Taking over a batch of records in one transaction: the consumer without its broker.

The batch is first tried as a whole. If that fails for good, it is done again event by event, each handler call under a savepoint,
so that the culprit alone goes to the dead letters and all else of the batch is applied, in the same single transaction.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.failures import DeadLetterLimitReached, PermanentError, describe, is_transient, reason_of
from guanxi_common.messaging.inbox import InboxStore, InboxTransaction
from guanxi_common.messaging.policy import Arrival, Dedupe, Plan, State, TopicRules, is_jump, plan_batch, plan_one
from guanxi_common.messaging.positions import Move
from guanxi_common.messaging.signing import NOT_FROM_ITS_PRODUCER, EventVerifier
from guanxi_common.telemetry.traces import record_spans

log = structlog.get_logger(__name__)

Handler = Callable[[UnitOfWork, Sequence[Envelope]], Awaitable[None]]
"""Applies events in the runner's transaction, which it never commits. Raises `PermanentError` for an event that can never be
applied, and lets any failure of the database through. For events of its own it passes `caused_by` to the outbox."""

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

    Makes at most `dead_letter_limit` dead letters in its life.
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
        self._dead_letters_left = dead_letter_limit

    async def process(self, records: Sequence[Record], moves: Sequence[Move] = ()) -> None:
        """Take over the records and move the group's positions; on return all is durable and the offsets may be committed.

        Raises a transient error with nothing done (`LostRace` where a position was moved by another member), or
        `DeadLetterLimitReached`.
        """
        arrivals = [self._arrive(record, parse=record.topic not in self._unparsed) for record in records]
        await self._take_over(arrivals, moves, released=False)

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

    async def _take_over(self, arrivals: Sequence[Arrival], moves: Sequence[Move], *, released: bool) -> None:
        try:
            async with self._store.begin(self._group) as transaction:
                state = await self._load(transaction, arrivals, moves, released=released)
                plan = plan_batch(self._rules, state, arrivals)
                await self._handle(transaction, plan.apply)
                await self._finish(transaction, [plan])
        except Exception as error:
            if is_transient(error) or isinstance(error, DeadLetterLimitReached):
                raise
            log.warning("batch_goes_one_by_one", group=self._group, records=len(arrivals), error=describe(error))
            async with self._store.begin(self._group) as transaction:
                await transaction.move(moves)
                await self._one_by_one(transaction, list(arrivals), released=released)

    async def _one_by_one(self, transaction: InboxTransaction, queue: list[Arrival], *, released: bool) -> None:
        plans: list[Plan] = []
        while queue:
            self._check_limit(plans)
            state = await self._load(transaction, queue[:1], released=released)
            plan = plan_one(self._rules, state, queue)
            try:
                async with transaction.savepoint():
                    await self._handle(transaction, plan.apply)
            except Exception as error:
                if is_transient(error):
                    raise
                plan.bury(reason_of(error), describe(error))
            await transaction.write(plan)
            plans.append(plan)
            queue = plan.rest
        await self._finish(transaction, plans, written=True)

    async def _load(
        self, transaction: InboxTransaction, arrivals: Iterable[Arrival], moves: Sequence[Move] = (), *, released: bool
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
        return State(seen, state.versions, state.blocked, state.waiting)

    async def _handle(self, transaction: InboxTransaction, admitted: Sequence[Arrival]) -> None:
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

    async def _finish(self, transaction: InboxTransaction, plans: Sequence[Plan], *, written: bool = False) -> None:
        dead = self._check_limit(plans)
        if not written:
            for plan in plans:
                await transaction.write(plan)
        await transaction.commit()
        self._dead_letters_left -= dead
        for plan in plans:
            self._report(plan)

    def _check_limit(self, plans: Sequence[Plan]) -> int:
        dead = sum(len(plan.dead) for plan in plans)
        if dead > self._dead_letters_left:
            raise DeadLetterLimitReached(self._group)
        return dead

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
                        again = self._apply_again if replay.has_key else self._apply_in_turn
                        await again(transaction, self._arrive(replay.record))
                except Exception as error:
                    if is_transient(error):
                        raise
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
        arrivals = [self._arrive(stored.record, parked_id=stored.id) for stored in parked]
        if arrivals:
            await self._take_over(arrivals, (), released=True)
        return len(arrivals)


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
