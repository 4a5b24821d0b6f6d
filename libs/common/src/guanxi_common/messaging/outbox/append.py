"""Writing to the outbox. While a rebuild reads events again (`UnitOfWork.replaying`), nothing is written: what they caused was told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from guanxi_contracts.codec import MAX_VALUE_BYTES, encode
from guanxi_contracts.topics import load_topics

from guanxi_common.context import current_context
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging.bus import Outgoing
from guanxi_common.messaging.envelope import FIRST_EPOCH, DomainEvent, Envelope
from guanxi_common.messaging.outbox.epoch import epoch_in_force
from guanxi_common.messaging.outbox.rows import group_by_shard, pack_facts, row_values, shard_of

_INSERT = """
INSERT INTO outbox (shard, topic, key, payload, event_count, traceparent)
SELECT r.shard, r.topic, r.key, r.payload, r.event_count, $6
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bytea[], $5::int[])
     WITH ORDINALITY AS r (shard, topic, key, payload, event_count, place)
ORDER BY r.place
"""


async def append(
    uow: UnitOfWork,
    *events: DomainEvent,
    version: int | None = None,
    event_id: UUID | None = None,
    caused_by: Envelope | None = None,
) -> None:
    """Write the events with the state change that they report; both become durable with the unit of work, or neither.

    Call it after the aggregate's row was locked and its version bumped: rows of one aggregate are published in the order of the
    calls. `version` is the aggregate's new version: required where an event goes to a topic of changes or snapshots, and not sent
    on facts; the owner's epoch goes with it. `event_id` (for one event only) replaces the new UUIDv7, for an event whose id must
    come out the same again. `caused_by` is the event being handled; without it cause and trace come from the call's context, as
    the actor always does.
    Raises ValueError where the version does not fit the topic's kind or an event is too large.
    """
    if event_id is not None and len(events) != 1:
        raise ValueError("an event id is given for exactly one event")
    _check_versions([event.topic for event in events], version)
    epoch = FIRST_EPOCH if version is None else await epoch_in_force(uow)
    envelopes = [_envelope(event, event_id or new_id(), version, caused_by, epoch) for event in events]
    await _insert_each(uow, [encode(envelope) for envelope in envelopes], caused_by)


async def append_tombstone(uow: UnitOfWork, event_type: str, topic: str, key: str, *, version: int) -> None:
    """Remove `key` from a topic of snapshots: readers get an envelope whose data is None, and compaction forgets the rest."""
    if load_topics()[topic].kind != "snapshots":
        raise ValueError(f"{topic} is not a topic of snapshots")
    epoch = await epoch_in_force(uow)
    await _insert_each(uow, [encode(_addressed(new_id(), event_type, topic, key, None, version, None, epoch))], None)


async def append_snapshots(uow: UnitOfWork, snapshots: Sequence[tuple[DomainEvent, int]]) -> None:
    """Write many snapshots, each at its aggregate's new version, as one row per topic and shard; the owner's epoch goes with each.

    As for `append`, the caller has locked what is told, so that the rows of a key are in the order of its versions; of each key of a
    topic there is one. Raises ValueError where there are more, for other kinds of topics, and for an event that is too large.
    """
    if not snapshots:
        return
    topics = load_topics()
    if wrong := {event.topic for event, _ in snapshots if topics[event.topic].kind != "snapshots"}:
        raise ValueError(f"{min(wrong)} is not a topic of snapshots")
    if len({(event.topic, event.key) for event, _ in snapshots}) != len(snapshots):
        raise ValueError("two snapshots of one key cannot go together")
    in_force = await epoch_in_force(uow)
    await append_records(uow, [encode(_envelope(event, new_id(), version, None, in_force)) for event, version in snapshots])


async def append_batch(uow: UnitOfWork, events: Sequence[tuple[UUID, DomainEvent]]) -> None:
    """Write many facts, each with its event id, as one row per topic and shard.

    Records of one row are sent together: if the broker fails half-way, a later record of a key may overtake an earlier one of
    the same row. Facts promise no more.
    """
    _check_versions(list({event.topic for _, event in events}), None)
    await append_records(uow, [encode(_envelope(event, event_id, None, None)) for event_id, event in events])


async def append_records(uow: UnitOfWork, records: Sequence[Outgoing]) -> None:
    """Write encoded facts, or snapshots of different keys, as one row per topic and shard; `append_batch` without the encoding."""
    groups = group_by_shard(records)
    await _insert(uow, [row_values(group, shard) for (_, shard), group in groups.items()], current_context().traceparent)


async def append_facts(uow: UnitOfWork, event: type[DomainEvent], facts: Iterable[tuple[str, str, bytes]]) -> None:
    """Write many facts of one type, each (event id, key, data as JSON), as one row per shard. As `append_batch`, for bulk intake.

    The caller encodes: it answers for `data` being what `event` would have written. Raises ValueError for a fact that is too large.
    """
    _check_versions([event.topic], None)
    shards: dict[int, list[tuple[bytes, bytes, bytes]]] = {}
    for event_id, key_text, data in facts:
        if len(data) > MAX_VALUE_BYTES:
            raise ValueError(f"an event of {len(data)} bytes is too large")
        key = key_text.encode()
        shards.setdefault(shard_of(key), []).append((key, event_id.encode(), data))
    like = encode(_addressed(new_id(), event.event_type, event.topic, "", {}, None, None))
    shared = tuple(header for header in like.headers if header[0] != "ce_id")
    rows = [
        (
            shard,
            event.topic,
            key.decode() if all(fact[0] == key for fact in group) else None,
            pack_facts(shared, group),
            len(group),
        )
        for shard, group in shards.items()
        for key in [group[0][0]]
    ]
    await _insert(uow, rows, current_context().traceparent)


def _check_versions(topics: Sequence[str], version: int | None) -> None:
    versioned = [topic for topic in topics if load_topics()[topic].kind != "facts"]
    if versioned and version is None:
        raise ValueError(f"an event on {versioned[0]} needs the aggregate's version")
    if version is not None and not versioned:
        raise ValueError("a version is given, but all the events are facts")
    if len(set(versioned)) != len(versioned):
        raise ValueError("two events of one topic cannot have the same version")


def _envelope(
    event: DomainEvent, event_id: UUID, version: int | None, caused_by: Envelope | None, epoch: int = FIRST_EPOCH
) -> Envelope:
    data = event.model_dump(mode="json", exclude_none=True)
    sent = None if load_topics()[event.topic].kind == "facts" else version
    return _addressed(event_id, event.event_type, event.topic, event.key, data, sent, caused_by, epoch)


def _addressed(
    event_id: UUID,
    event_type: str,
    topic: str,
    key: str,
    data: dict[str, Any] | None,
    version: int | None,
    caused_by: Envelope | None,
    epoch: int = FIRST_EPOCH,
) -> Envelope:
    context = current_context()
    return Envelope(
        id=event_id,
        type=event_type,
        topic=topic,
        key=key,
        source=_sources()[topic],
        time=datetime.now(UTC),
        data=data,
        aggregate_version=version,
        traceparent=caused_by.traceparent if caused_by else context.traceparent,
        causation_id=str(caused_by.id) if caused_by else context.causation_id,
        actor=context.actor,
        epoch=epoch,
    )


@cache
def _sources() -> Mapping[str, str]:
    """CloudEvents `source` of each topic: the contract names the one service that writes it."""
    return {topic.name: f"/{topic.producers[0]}" for topic in load_topics().values()}


async def _insert_each(uow: UnitOfWork, records: Sequence[Outgoing], caused_by: Envelope | None) -> None:
    traceparent = caused_by.traceparent if caused_by else current_context().traceparent
    await _insert(uow, [row_values([record], shard_of(record.key)) for record in records], traceparent)


async def _insert(uow: UnitOfWork, rows: Sequence[tuple[Any, ...]], traceparent: str | None) -> None:
    if not rows or uow.replaying:
        return
    await uow.driver.execute(_INSERT, *map(list, zip(*rows, strict=True)), traceparent)
    uow.wake_relay_after_commit()
