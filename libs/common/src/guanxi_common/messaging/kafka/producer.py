"""Sending to Kafka."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from guanxi_common.messaging.bus import BusError, BusUnavailable, Outgoing, RecordRejected
from guanxi_common.messaging.kafka.settings import Cluster, KafkaTimes, producer_settings, reported

_NEVER_TAKEN = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_METADATA_TRIES = 5
_METADATA_EVERY_SECONDS = 0.2  # a new topic is not known to every broker at once
log = structlog.get_logger(__name__)

Delivery = asyncio.Future[object]


class KafkaProducer:
    """`Producer` on Kafka: idempotent, `acks=all`; sends all, then waits for all, so that they share batches.

    A record that the broker, not the client, refuses may make those behind it in its partition unknown.
    """

    def __init__(self, cluster: Cluster, times: KafkaTimes) -> None:
        self._cluster = cluster
        self._times = times
        self._inner: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable`."""
        with reported():
            inner = AIOKafkaProducer(**producer_settings(self._cluster, self._times))
        try:
            with reported():
                await asyncio.wait_for(inner.start(), self._times.delivery)
        except BaseException:
            await _abandon(inner, self._times.request)
            raise
        self._inner = inner

    async def send(self, records: Sequence[Outgoing]) -> list[BusError | None]:
        try:
            if self._inner is None:
                await self.start()
        except BusUnavailable as error:
            return [error] * len(records)
        deadline = asyncio.get_running_loop().time() + self._times.delivery
        deliveries = await self._enqueue(records)
        pending = [delivery for delivery in deliveries if isinstance(delivery, asyncio.Future)]
        if pending:
            await asyncio.wait(pending, timeout=max(0, deadline - asyncio.get_running_loop().time()))
        outcome = [_outcome(delivery) for delivery in deliveries]
        if any(isinstance(delivery, asyncio.Future) and error for delivery, error in zip(deliveries, outcome, strict=True)):
            await self._replace()
        return outcome

    async def close(self) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            await _abandon(inner, self._times.request)

    async def _enqueue(self, records: Sequence[Outgoing]) -> list[Delivery | BusError]:
        """Give each record to aiokafka's buffer; in its place the delivery to wait for, or why it was not taken."""
        assert self._inner is not None  # noqa: S101  # for the type checker; `send` has started it
        deliveries: list[Delivery | BusError] = []
        refused: dict[str, BusError | None] = {}
        away: BusError | None = None
        for record in records:
            if record.topic not in refused:
                refused[record.topic] = await self._refusal(self._inner, record.topic)
            error = away or refused[record.topic]
            if error is None:
                try:
                    deliveries.append(
                        await self._inner.send(record.topic, record.value, key=record.key, headers=list(record.headers))
                    )
                    continue
                except (KafkaError, OSError) as raised:
                    error = _reported_as(raised)
                    # The rest would each wait as long as this one.
                    away = error if isinstance(error, BusUnavailable) else None
            deliveries.append(error)
        return deliveries

    async def _refusal(self, inner: AIOKafkaProducer, topic: str) -> BusError | None:
        """Why nothing can be sent to `topic`. aiokafka's own look-up takes an absent broker for an absent topic."""
        cluster = inner.client.cluster
        for _ in range(_METADATA_TRIES):
            if cluster.partitions_for_topic(topic) is not None:
                return None
            inner.client.add_topic(topic)
            if not await inner.client.force_metadata_update():
                return BusUnavailable("Kafka: no broker answers")
            await asyncio.sleep(_METADATA_EVERY_SECONDS)
        return None if cluster.partitions_for_topic(topic) is not None else RecordRejected(f"unknown topic {topic}")

    async def _replace(self) -> None:
        """A failed batch has used up its sequence number, and one that timed out is still being tried: end both."""
        log.warning("kafka_producer_replaced")
        await self.close()


def _outcome(delivery: Delivery | BusError) -> BusError | None:
    if isinstance(delivery, BusError):
        return delivery
    if not delivery.done():
        delivery.cancel()
        return BusUnavailable("Kafka: not acknowledged in time; it may be there")
    error = delivery.exception()
    return None if error is None else _reported_as(error)


def _reported_as(error: BaseException) -> BusError:
    if isinstance(error, _NEVER_TAKEN):
        return RecordRejected(f"{type(error).__name__}: {error}")
    return BusUnavailable(f"Kafka: {type(error).__name__}: {error}")


async def _abandon(inner: AIOKafkaProducer, seconds: float) -> None:
    """End without flushing: everything is settled or given up, and `stop` waits for ever for what an idempotent one retries."""
    with suppress(BusUnavailable), reported():
        if inner._sender is not None:  # noqa: SLF001  # there is no public way
            await asyncio.wait_for(inner._sender.close(), seconds)  # noqa: SLF001
    with suppress(BusUnavailable), reported():
        await asyncio.wait_for(inner.stop(), seconds)
