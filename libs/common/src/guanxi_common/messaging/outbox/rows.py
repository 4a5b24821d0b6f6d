"""The form of an outbox row: shards, and how records are packed into a payload."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import msgspec

from guanxi_common.messaging.bus import Outgoing

SHARDS: Final = 16
Headers = tuple[tuple[str, bytes], ...]
_PackedRecord = tuple[bytes, bytes | None, Headers]


class _Facts(msgspec.Struct):
    """Records that differ in event id, key and value only: half the bytes of records with all their headers."""

    shared: Headers
    facts: Sequence[tuple[bytes, bytes, bytes]]
    """(key, event id, value)."""


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[_PackedRecord]).decode
_unpack_facts = msgspec.msgpack.Decoder(_Facts).decode
_FACTS_BEGIN = b"\x82"
"""MessagePack's mark of a map of two; a list begins otherwise."""


@dataclass(frozen=True, slots=True)
class PendingRow:
    """An unpublished row as the relay reads it. `unreadable` says why there are no records: nobody can make them of the payload."""

    sequence: int
    shard: int
    topic: str
    records: tuple[Outgoing, ...]
    attempts: int = 0
    key: str | None = None
    unreadable: str | None = None

    @property
    def blocks(self) -> bytes:
        """The key that an unreadable row blocks. One without a common key holds facts, whose order nobody was promised, or
        snapshots, of which the next one says all: it stands alone."""
        return (self.key if self.key is not None else f"outbox row {self.sequence}").encode()


def pending_row(sequence: int, shard: int, topic: str, key: str | None, payload: bytes, attempts: int) -> PendingRow:
    """The row with its records; never raises. A newer release may have written what this one cannot unpack."""
    try:
        records = unpack(topic, payload)
    except Exception as error:
        return PendingRow(sequence, shard, topic, (), attempts, key, f"cannot be unpacked: {type(error).__name__}")
    return PendingRow(sequence, shard, topic, records, attempts, key, None if records else "holds no record")


def shard_of(key: bytes) -> int:
    """The shard of a key, for ever. It need not agree with the topic's partition, only with itself."""
    return crc32(key) % SHARDS


def pack(records: Iterable[Outgoing]) -> bytes:
    return _pack([(record.key, record.value, record.headers) for record in records])


def pack_facts(shared: Headers, facts: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """Records of (key, event id, value), whose headers are `shared` and `ce_id`."""
    return _pack(_Facts(shared, facts))


def unpack(topic: str, payload: bytes) -> tuple[Outgoing, ...]:
    if payload.startswith(_FACTS_BEGIN):
        packed = _unpack_facts(payload)
        shared = packed.shared
        return tuple([Outgoing(topic, key, value, (("ce_id", id_), *shared)) for key, id_, value in packed.facts])
    return tuple(Outgoing(topic, key, value, headers) for key, value, headers in _unpack(payload))


def common_key(records: Sequence[Outgoing]) -> str | None:
    """The key, where all the records have the same one."""
    first = records[0].key
    return first.decode() if all(record.key == first for record in records) else None


def group_by_shard(records: Iterable[Outgoing]) -> dict[tuple[str, int], list[Outgoing]]:
    """Records by (topic, shard), each group in the order given."""
    groups: dict[tuple[str, int], list[Outgoing]] = {}
    for record in records:
        groups.setdefault((record.topic, shard_of(record.key)), []).append(record)
    return groups


def row_values(records: Sequence[Outgoing], shard: int) -> tuple[Any, ...]:
    """shard, topic, key, payload, event_count."""
    return shard, records[0].topic, common_key(records), pack(records), len(records)
