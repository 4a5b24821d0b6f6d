"""Reading what aiokafka cannot: a header's name that is not UTF-8, a batch that is corrupt or compressed by a codec that is not here.

Its fetcher raises in the middle of a batch, and does so again for every record behind it. Here the bytes of one partition are fetched
and parsed by hand. What can be read of a record is returned; a batch that cannot be read at all is one record without a key, which no
consumer takes for an event, with the batch as its value.

Source: Kafka protocol guide, "Record Batch" (message format 2).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy

from guanxi_common.messaging.bus import Record, TopicPartition

UNREADABLE_BATCH: Final = "unreadable_batch"
"""The only header of a record that stands for a batch; its value says why."""

_FETCH_BYTES: Final = 1_048_576
_OVERHEAD: Final = struct.Struct(">qi")
_MAGIC_AT: Final = 16
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """`next` is the offset to read on from. `unreadable`: something was among the records that aiokafka could not have read."""

    records: list[Record]
    next: int
    unreadable: bool


async def fetch_by_hand(inner: AIOKafkaConsumer, at: TopicPartition, position: int) -> Salvaged:
    """The records from `position` on that one fetch returns; none where the broker has none or refuses. Raises Kafka's errors."""
    client = inner._client  # noqa: SLF001  # there is no public way to a partition's bytes
    node = client.cluster.leader_for_partition(Place(at.topic, at.partition))
    asked = [(at.topic, [(at.partition, position, _FETCH_BYTES)])]
    answer = await client.send(node, FetchRequest(0, 1, _FETCH_BYTES, 0, asked))
    _, [(_, error, _, *rest)] = answer.topics[0]
    return parse(at, rest[-1], position) if error == 0 else Salvaged([], position, unreadable=False)


def parse(at: TopicPartition, data: bytes, position: int) -> Salvaged:
    """The records of `data`, whole batches and perhaps the beginning of another, from `position` on. Pure."""
    records: list[Record] = []
    next_, unreadable = position, False
    for batch in _batches(data):
        found, end, readable = _read(at, batch)
        records.extend(record for record in found if record.offset >= position)
        next_, unreadable = max(next_, end), unreadable or not readable
    return Salvaged(records, next_, unreadable)


def _batches(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + _OVERHEAD.size <= len(data):
        end = place + _OVERHEAD.size + _OVERHEAD.unpack_from(data, place)[1]
        if not place + _OVERHEAD.size < end <= len(data):
            return
        yield bytes(data[place:end])
        place = end


def _read(at: TopicPartition, batch: bytes) -> tuple[list[Record], int, bool]:
    """The batch's records, the offset behind it, and whether aiokafka can read it."""
    if len(batch) <= _MAGIC_AT or batch[_MAGIC_AT] < 2:
        offset = _OVERHEAD.unpack_from(batch)[0]
        return [_stand_in(at, offset, batch, "an old message format")], offset + 1, False
    try:
        strict = DefaultRecordBatch(batch)
        if strict.is_control_batch:
            return [], strict.next_offset, True
        return [_record(at, one) for one in _checked(strict)], strict.next_offset, True
    except Exception as error:
        log.warning("kafka_batch_not_read", topic=at.topic, partition=at.partition, error=type(error).__name__)
    lenient = _LenientBatch(batch)
    try:
        return [_record(at, one) for one in _checked(lenient)], lenient.next_offset, False
    except Exception as error:
        return [_stand_in(at, lenient.next_offset - 1, batch, type(error).__name__)], lenient.next_offset, False


def _checked(batch: Any) -> Iterator[Any]:
    if not batch.validate_crc():
        raise ValueError("the batch's checksum does not fit")
    yield from batch


def _record(at: TopicPartition, one: Any) -> Record:
    headers = tuple((name, value or b"") for name, value in one.headers)
    return Record(at.topic, at.partition, one.offset, one.key, one.value, headers, one.timestamp)


def _stand_in(at: TopicPartition, offset: int, batch: bytes, why: str) -> Record:
    """In the place of a batch's last record, so that reading goes on behind the batch."""
    return Record(at.topic, at.partition, offset, None, batch, ((UNREADABLE_BATCH, why.encode()),), 0)


class _LenientBytes(bytearray):
    """Decodes with signs in the place of what is not UTF-8. A batch's reader decodes nothing but its headers' names."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _LenientBytes(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # the overridden signature
        return super().decode(encoding, "replace")


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers, and aiokafka is untyped
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBytes(self._buffer)
