"""Kafka as a `Bus`."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from guanxi_common.messaging.bus import AssignmentListener, BusError, BusUnavailable, TopicSpec
from guanxi_common.messaging.kafka.consumer import KafkaConsumer
from guanxi_common.messaging.kafka.producer import KafkaProducer
from guanxi_common.messaging.kafka.security import KafkaSecurity
from guanxi_common.messaging.kafka.settings import Cluster, KafkaTimes, client_settings, consumer_settings, explained, quieten

_CREATION_SECONDS = 20.0
_DESCRIBE_EVERY_SECONDS = 0.1


class KafkaBus:
    """`Bus` on the cluster at `bootstrap_servers` (`host:port,…`). Holds no connection itself."""

    def __init__(self, bootstrap_servers: str, *, times: KafkaTimes | None = None, security: KafkaSecurity | None = None) -> None:
        self._cluster = Cluster(bootstrap_servers, security or KafkaSecurity())
        self._times = times or KafkaTimes()
        quieten()

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """As `Bus`; replicated as the brokers' default says. An existing topic's clean-up and retention are its operator's."""
        async with explained(self._cluster, self._times):
            admin = AIOKafkaAdminClient(**client_settings(self._cluster, self._times))
            try:
                await admin.start()
                await _create(admin, [topic for topic in topics if topic.name not in await _existing(admin, topics)])
                await _await_leaders(admin, topics)
            finally:
                await admin.close()

    async def producer(self) -> KafkaProducer:
        producer = KafkaProducer(self._cluster, self._times)
        async with explained(self._cluster, self._times):
            await producer.start()
        return producer

    async def consumer(
        self,
        *,
        group: str,
        topics: Sequence[str],
        on_assigned: AssignmentListener | None = None,
        on_revoked: AssignmentListener | None = None,
    ) -> KafkaConsumer:

        def make() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(**consumer_settings(self._cluster, self._times, group))

        consumer = KafkaConsumer(make, topics, self._times, on_assigned, on_revoked)
        async with explained(self._cluster, self._times):
            await consumer.start()
        return consumer

    async def close(self) -> None:
        """Nothing to close: producers and consumers own their connections."""


async def _existing(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> set[str]:
    """Those that are there: whoever may use a topic need not be allowed to create it."""
    described = await admin.describe_topics([topic.name for topic in topics])
    return {one["topic"] for one in described if one["partitions"]}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> None:
    if not topics:
        return
    answer = await admin.create_topics([_new_topic(topic) for topic in topics])
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise BusError(f"topic {name}: {error.__name__}: {message}")


def _new_topic(topic: TopicSpec) -> NewTopic:
    configuration: dict[str, str] = {"cleanup.policy": topic.cleanup}
    if topic.retention_ms is not None:
        configuration["retention.ms"] = str(topic.retention_ms)
    # aiokafka takes -1, the brokers' default, only beside an assignment, and an empty one is none.
    return NewTopic(topic.name, topic.partitions, -1, replica_assignments={}, topic_configs=configuration)


async def _await_leaders(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> None:
    """Wait until each partition can be written to; raise `BusError` where their number is not as specified."""
    wanted: Mapping[str, int] = {topic.name: topic.partitions for topic in topics}
    deadline = asyncio.get_running_loop().time() + _CREATION_SECONDS
    while wanted:
        described = {one["topic"]: one for one in await admin.describe_topics(list(wanted))}
        ready = set()
        for name, partitions in wanted.items():
            found = described[name]["partitions"]
            if found and len(found) != partitions:
                raise BusError(f"{name} has {len(found)} partitions, {partitions} are specified")
            if found and all(one["error_code"] == 0 and one["leader"] >= 0 for one in found):
                ready.add(name)
        wanted = {name: partitions for name, partitions in wanted.items() if name not in ready}
        if wanted and asyncio.get_running_loop().time() > deadline:
            raise BusUnavailable(f"Kafka: no leaders yet for {', '.join(sorted(wanted))}")
        if wanted:
            await asyncio.sleep(_DESCRIBE_EVERY_SECONDS)
