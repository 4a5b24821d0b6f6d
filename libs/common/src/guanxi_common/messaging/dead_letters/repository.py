"""Dead letters, parked events and blocked outbox keys in the database.

An operator's request changes rows only; the group's workers act on it (`Processor.release`) within a second or so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, and_, delete, func, select, update

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.messaging.inbox import unpack as unpack_record
from guanxi_common.messaging.outbox.rows import common_key, pack, pending_row
from guanxi_common.messaging.outbox.store import LOCK_CLASS
from guanxi_common.messaging.tables import DeadLetter, InboxParked, InboxVersion, OutboxBlockedKey, OutboxRow

_letters: Final = cast("Table", DeadLetter.__table__)
_parked: Final = cast("Table", InboxParked.__table__)
_versions: Final = cast("Table", InboxVersion.__table__)
_outbox: Final = cast("Table", OutboxRow.__table__)
_blocked: Final = cast("Table", OutboxBlockedKey.__table__)

_LETTER_COLUMNS = [column for column in _letters.c if column.name not in ("record", "requested_by", "made_at")]
_PARKED_COLUMNS = [column for column in _parked.c if column.name != "record"]

After = Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class LetterRow:
    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    type: str | None
    version: int | None
    reason: str
    error: str
    attempts: int
    failed_at: datetime
    requested_at: datetime | None
    resolved_at: datetime | None
    resolution: str | None
    resolved_by: str | None


@dataclass(frozen=True, slots=True)
class LetterContent:
    """The record as it was read. Personal data is in it at most as a `sealed` field."""

    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class ParkedRow:
    id: int
    consumer: str
    topic: str
    key: str
    event_id: UUID
    type: str
    version: int | None
    epoch: int
    reason: str
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class BlockedKeyRow:
    topic: str
    key: str
    shard: int
    sequence: int
    error: str
    blocked_at: datetime


async def list_letters(uow: UnitOfWork, *, open_only: bool, position: After, limit: int) -> list[LetterRow]:
    """Newest failure first."""
    order = (_letters.c.failed_at, _letters.c.id)
    query = select(*_LETTER_COLUMNS).where(after(order, position, descending=True))
    if open_only:
        query = query.where(_letters.c.resolved_at.is_(None))
    rows = await uow.execute(query.order_by(*(column.desc() for column in order)).limit(limit))
    return [LetterRow(**row) for row in rows.mappings()]


async def read_letter(uow: UnitOfWork, letter_id: UUID) -> tuple[LetterRow, LetterContent] | None:
    row = (await uow.execute(select(*_LETTER_COLUMNS, _letters.c.record).where(_letters.c.id == letter_id))).mappings().first()
    if row is None:
        return None
    record = unpack_record(row["record"])
    shown = {name: value for name, value in row.items() if name != "record"}
    return LetterRow(**shown), LetterContent(record.headers, record.value) if record else LetterContent((), None)


async def request_replay(uow: UnitOfWork, letter_id: UUID, actor: str) -> LetterRow | None:
    """Ask the workers to apply an open letter again; None if it is not open."""
    return await _change_open(uow, letter_id, {"requested_at": func.now(), "requested_by": actor})


async def skip(uow: UnitOfWork, letter_id: UUID, actor: str) -> LetterRow | None:
    """Resolve an open letter without applying it; what waits behind it is released. None if it is not open."""
    changes = {"resolved_at": func.now(), "resolution": "skipped", "resolved_by": actor, "requested_at": None}
    return await _change_open(uow, letter_id, changes)


async def _change_open(uow: UnitOfWork, letter_id: UUID, changes: dict[str, Any]) -> LetterRow | None:
    still_open = and_(_letters.c.id == letter_id, _letters.c.resolved_at.is_(None))
    changed = await uow.execute(update(_letters).where(still_open).values(changes).returning(*_LETTER_COLUMNS))
    row = changed.mappings().first()
    return LetterRow(**row) if row is not None else None


async def list_parked(uow: UnitOfWork, *, position: After, limit: int) -> list[ParkedRow]:
    """Oldest first."""
    query = select(*_PARKED_COLUMNS).where(after((_parked.c.id,), position)).order_by(_parked.c.id).limit(limit)
    return [ParkedRow(**row) for row in (await uow.execute(query)).mappings()]


async def accept_gap(uow: UnitOfWork, consumer: str, topic: str, key: str) -> int | None:
    """Give up the versions that are missing before the first one parked for a gap, and release what waits.

    Returns the version from which the consumer goes on; None if nothing of the key waits for a gap. What waits is of one epoch: the
    first of a later one ends all waiting.
    """
    of_key = and_(_parked.c.consumer == consumer, _parked.c.topic == topic, _parked.c.key == key)
    gap = and_(of_key, _parked.c.reason == "gap")
    first = (await uow.execute(select(func.min(_parked.c.version)).where(gap))).scalar_one()
    if first is None:
        return None
    same_key = and_(_versions.c.consumer == consumer, _versions.c.topic == topic, _versions.c.key == key)
    below = and_(same_key, _versions.c.version < first)
    raised = await uow.execute(update(_versions).where(below).values(version=first - 1).returning(_versions.c.version))
    if raised.first() is None:
        return None
    await uow.execute(update(_parked).where(gap).values(reason="behind"))
    return int(first)


async def list_blocked_keys(uow: UnitOfWork, *, position: After, limit: int) -> list[BlockedKeyRow]:
    order = (_blocked.c.topic, _blocked.c.key)
    query = select(_blocked).where(after(order, position)).order_by(*order).limit(limit)
    return [BlockedKeyRow(**row) for row in (await uow.execute(query)).mappings()]


async def unblock(uow: UnitOfWork, topic: str, key: str, *, skip_record: bool) -> BlockedKeyRow | None:
    """Let the relay send the key's records again, without the refused one if `skip_record`. None if the key is not blocked.

    Waits for the relay that holds the shard: it may be about to put more rows behind the blocked key.
    """
    of_key = and_(_blocked.c.topic == topic, _blocked.c.key == key)
    shard = (await uow.execute(select(_blocked.c.shard).where(of_key))).scalar()
    if shard is None:
        return None
    await uow.execute(select(func.pg_advisory_xact_lock(LOCK_CLASS, shard)))
    row = (await uow.execute(delete(_blocked).where(of_key).returning(*_blocked.c))).mappings().first()
    if row is None:
        return None
    if skip_record:
        await _drop_first(uow, row["sequence"], key.encode())
    await uow.execute(update(_outbox).where(_outbox.c.shard == shard, _outbox.c.blocked_at.is_not(None)).values(blocked_at=None))
    uow.wake_relay_after_commit()
    return BlockedKeyRow(**row)


async def _drop_first(uow: UnitOfWork, sequence: int, key: bytes) -> None:
    """Remove the key's first record from the row; a row without records, or one that cannot be read, counts as published.

    So does one that could not be read when it was blocked as a whole, and that this release reads: it holds no record of the key.
    """
    columns = [_outbox.c[name] for name in ("sequence", "shard", "topic", "key", "payload", "attempts")]
    row = pending_row(**(await uow.execute(select(*columns).where(_outbox.c.sequence == sequence))).mappings().one())
    left = list(row.records)
    place = next((place for place, record in enumerate(left) if record.key == key), None)
    if place is None:
        left = []
    else:
        del left[place]
    changes: dict[str, Any] = {"published_at": func.clock_timestamp(), "last_error": "skipped by an operator"}
    if left:
        changes = {"payload": pack(left), "event_count": len(left), "key": common_key(left)}
    await uow.execute(update(_outbox).where(_outbox.c.sequence == sequence).values(changes))
