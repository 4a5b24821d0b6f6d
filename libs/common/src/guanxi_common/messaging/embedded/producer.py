"""Appending: one statement and one transaction per call of `send`."""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from guanxi_common.messaging.bus import BusError, BusUnavailable, Outgoing, RecordRejected
from guanxi_common.messaging.embedded.database import Pool, reported
from guanxi_common.messaging.embedded.wakeups import Wakeups, topic_sign
from guanxi_common.messaging.partitioner import partition_of

MAX_RECORD_BYTES = 1_048_576  # as Kafka's default limit of a request


class EmbeddedProducer:
    """`Producer` of the embedded log. All records of a call that are not rejected share one fate."""

    def __init__(self, pool: Pool, wakeups: Wakeups) -> None:
        self._pool = pool
        self._wakeups = wakeups
        self._topics: dict[str, _Topic] = {}

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        try:
            await self._learn({record.topic for record in records} - self._topics.keys())
            outcome = [self._refusal(record) for record in records]
            await self._append([record for record, error in zip(records, outcome, strict=True) if error is None])
        except BusUnavailable as error:
            return [error] * len(records)
        except asyncpg.InsufficientPrivilegeError as error:
            return [RecordRejected(str(error))] * len(records)
        return outcome

    async def close(self) -> None:
        """Nothing to close: the connections are the bus's."""

    async def _learn(self, names: set[str]) -> None:
        if names:
            with reported():
                self._topics.update(await read_topics(self._pool, sorted(names)))

    def _refusal(self, record: Outgoing) -> BusError | None:
        if record.topic not in self._topics:
            return RecordRejected(f"unknown topic {record.topic}")
        size = len(record.key) + len(record.value or b"") + sum(len(name) + len(value) for name, value in record.headers)
        if size > MAX_RECORD_BYTES:
            return RecordRejected(f"record of {size} bytes for {record.topic}, at most {MAX_RECORD_BYTES} are taken")
        return None

    async def _append(self, records: Sequence[Outgoing]) -> None:
        if not records:
            return
        targets = []
        for record in records:
            partitions = self._topics[record.topic].logs
            targets.append(partitions[partition_of(record.key, len(partitions))])
        logs = sorted(set(targets))
        slot_of = {log: slot for slot, log in enumerate(logs, 1)}
        counts = [0] * len(logs)
        slots, ranks = [], []
        for target in targets:
            slot = slot_of[target]
            slots.append(slot)
            ranks.append(counts[slot - 1])
            counts[slot - 1] += 1
        keys, values = [record.key for record in records], [record.value for record in records]
        headers = [encode_headers(record.headers) for record in records]
        with reported():
            await self._pool.execute(
                "SELECT append($1, $2, $3, $4, $5, $6, $7)", *(logs, counts, slots, ranks, keys, values, headers)
            )
        self._wakeups.announce({topic_sign(self._topics[record.topic].id) for record in records})


class _Topic(msgspec.Struct, frozen=True):
    id: int
    logs: tuple[int, ...]


async def read_topics(pool: Pool, names: Sequence[str]) -> Mapping[str, _Topic]:
    """The ids of these topics and of their partitions, in the order of the partitions; unknown ones are left out."""
    rows = await pool.fetch(
        "SELECT name, topic.id, array_agg(log.id ORDER BY partition) AS logs "
        "FROM topic JOIN log ON log.topic_id = topic.id WHERE name = ANY($1) GROUP BY name, topic.id",
        list(names),
    )
    return {row["name"]: _Topic(row["id"], tuple(row["logs"])) for row in rows}


encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


def decode_headers(packed: bytes) -> tuple[tuple[str, bytes], ...]:
    """The headers of a row; of bytes that are none, one without a name, so that the record arrives and is set aside."""
    try:
        return _decode_headers(packed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (("", packed),)
