"""The tables of the event fabric. Every service keeps a copy of all of them in its own database (`MESSAGING_TABLES`).

The outbox is a plain table with a purge job, not partitioned by day: a partition's key would have to join the primary key and
every look-up, the scan for unpublished rows would visit each day, and creating partitions ahead is one more thing that can
fail. The partial indexes hold unpublished rows only, so published ones cost nothing until `outbox.purge` deletes them, and bulk
intake writes at most 16 rows per batch.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, SmallInteger, Table, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from guanxi_common.db.metadata import CommonBase

_Instant = DateTime(timezone=True)
_UNPUBLISHED = text("published_at IS NULL AND blocked_at IS NULL")


class OutboxRow(CommonBase):
    """One or many encoded records of one shard, written in the transaction that causes them.

    `sequence` is taken after the aggregate's row was locked, so it orders the events of one aggregate. `payload` is a msgpack
    list of (key, value, headers), or, from bulk intake, the headers once and a list of (key, event id, value); `key` is set where
    all of them have the same one. `blocked_at`: every record that is left in the row waits behind a blocked key.
    """

    __tablename__ = "outbox"
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger)
    topic: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[bytes]
    event_count: Mapped[int] = mapped_column(Integer)
    traceparent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.clock_timestamp())
    published_at: Mapped[datetime | None] = mapped_column(_Instant)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    blocked_at: Mapped[datetime | None] = mapped_column(_Instant)
    __table_args__ = (
        Index("ix_outbox_unpublished", "shard", "sequence", postgresql_where=_UNPUBLISHED),
        Index("ix_outbox_blocked", "shard", "sequence", postgresql_where=text("blocked_at IS NOT NULL")),
        Index("ix_outbox_published_at", "published_at", postgresql_where=text("published_at IS NOT NULL")),
    )


class OutboxBlockedKey(CommonBase):
    """A key whose next record the broker refused for good; its records wait until an operator retries or skips the record."""

    __tablename__ = "outbox_blocked_key"
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    error: Mapped[str] = mapped_column(Text)
    blocked_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())


class InboxEvent(CommonBase):
    """An event the consumer has taken over: applied, parked or dead-lettered. `payload_hash` tells a repeat from a forgery."""

    __tablename__ = "inbox_event"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    payload_hash: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    __table_args__ = (Index("ix_inbox_event_seen_at", "seen_at", postgresql_using="brin"),)


class InboxVersion(CommonBase):
    """The last version of an aggregate that the consumer has taken over from a topic of changes or snapshots: (epoch, version)."""

    __tablename__ = "inbox_version"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class InboxParked(CommonBase):
    """An event that waits: for the version before it (`gap`), or for a dead letter of its key to be settled (`behind`)."""

    __tablename__ = "inbox_parked"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    consumer: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(Text)
    version: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    record: Mapped[bytes]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    parked_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    __table_args__ = (
        Index("ix_inbox_parked_key", "consumer", "topic", "key", "id"),
        Index("ix_inbox_parked_behind", "consumer", "topic", "key", postgresql_where=text("reason = 'behind'")),
    )


class OwnerEpoch(CommonBase):
    """The epochs that the database's service has been in; the greatest is in force, and without a row it is the first.

    `restore` names what the epoch was raised for.
    """

    __tablename__ = "owner_epoch"
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    restore: Mapped[str] = mapped_column(Text, unique=True)
    raised_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())


class DeadLetter(CommonBase):
    """A record that the consumer could not apply and never will as things stand. Open until `resolved_at` is set.

    `reason` is a stable code; `error` never repeats the record's content. `requested_at`: an operator has asked for a replay.
    `made_at` counts against the partition's limit, `failed_at` is the last attempt. `key` is as `stored_key` makes it, as elsewhere.
    """

    __tablename__ = "dead_letter"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consumer: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    partition: Mapped[int] = mapped_column(Integer)
    offset: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[UUID | None]
    type: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int | None] = mapped_column(BigInteger)
    record: Mapped[bytes]
    reason: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    made_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    failed_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    requested_at: Mapped[datetime | None] = mapped_column(_Instant)
    requested_by: Mapped[str | None] = mapped_column(Text)
    resolved_at: Mapped[datetime | None] = mapped_column(_Instant)
    resolution: Mapped[str | None] = mapped_column(Text)
    resolved_by: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        # A log that was made anew or restored gives an offset to another record.
        Index("uq_dead_letter_record", "consumer", "topic", "partition", "offset", text("md5(record)"), unique=True),
        Index("ix_dead_letter_open", "consumer", "topic", "key", postgresql_where=text("resolved_at IS NULL")),
        Index(
            "ix_dead_letter_made_at", "consumer", "topic", "partition", "made_at", postgresql_where=text("resolved_at IS NULL")
        ),
    )


class ConsumerPosition(CommonBase):
    """The offset that a group reads next. The authority: the offset committed to the bus only follows it.

    What lies below `replay_until` is read again by a rebuild: it changes replicas and ledgers and has no other effect, as it had
    that when the group first came by. A rebuild has read the partition at `read_until`, where the log ended when it began.
    """

    __tablename__ = "consumer_position"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    partition: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    replay_until: Mapped[int | None] = mapped_column(BigInteger)
    read_until: Mapped[int | None] = mapped_column(BigInteger)
    # Written with every batch: the free space keeps the new row on its page, without a new index entry.
    __table_args__ = ({"postgresql_with": {"fillfactor": 20}},)


class PartitionPause(CommonBase):
    """A partition that the group does not read, since it had made `limit` dead letters; after `resumed_at`, the limit it got.

    Read whenever the partition is assigned, so a pause survives restarts and changes of hands.
    """

    __tablename__ = "partition_pause"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    partition: Mapped[int] = mapped_column(Integer, primary_key=True)
    since: Mapped[datetime] = mapped_column(_Instant, server_default=func.now())
    reason: Mapped[str] = mapped_column(Text)
    limit: Mapped[int] = mapped_column(Integer)
    resumed_at: Mapped[datetime | None] = mapped_column(_Instant)
    resumed_by: Mapped[str | None] = mapped_column(Text)


MESSAGING_TABLES: tuple[Table, ...] = tuple(
    cast("Table", model.__table__)
    for model in (
        OutboxRow,
        OutboxBlockedKey,
        OwnerEpoch,
        InboxEvent,
        InboxVersion,
        InboxParked,
        DeadLetter,
        ConsumerPosition,
        PartitionPause,
    )
)
