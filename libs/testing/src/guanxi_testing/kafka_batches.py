"""Record batches as other clients than ours may write them, made by hand."""

import struct
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as Place
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from guanxi_common.messaging.bus import Outgoing, TopicPartition

STRANGE_NAME = "ce_strange"
"""A header's name for which `batch_of` writes bytes that are no UTF-8."""

_CRC_AT, _ATTRIBUTES_AT = 17, 21


def batch_of(records: Sequence[Outgoing], *, base: int = 0, codec: int = 0, corrupt: bool = False) -> bytes:
    """One batch at offset `base`. `codec`: the compression that its attributes claim (3 is lz4), without there being any."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for place, record in enumerate(records):
        assert builder.append(place, 1_000, record.key, record.value, list(record.headers)) is not None  # a test's
    data = bytearray(bytes(builder.build()).replace(STRANGE_NAME.encode(), b"ce_\xff\xferange"))
    struct.pack_into(">q", data, 0, base)
    data[_ATTRIBUTES_AT + 1] |= codec
    struct.pack_into(">I", data, _CRC_AT, calc_crc32c(bytes(data[_ATTRIBUTES_AT:])) ^ int(corrupt))
    return bytes(data)


async def produce_raw(bootstrap_servers: str, at: TopicPartition, batch: bytes) -> None:
    """Append the bytes to the partition as they are."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    try:
        await producer.partitions_for(at.topic)
        node = producer.client.cluster.leader_for_partition(Place(at.topic, at.partition))
        request = ProduceRequest(None, -1, 10_000, [(at.topic, [(at.partition, batch)])])
        answer = await producer.client.send(node, request)
        _, [(_, error, *_)] = answer.topics[0]
        assert error == 0, f"error {error}"  # a test's
    finally:
        await producer.stop()
