"""Which broker a deployment has: Kafka where it is configured, else the embedded log."""

from guanxi_common.messaging.bus import Bus
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.kafka import KafkaBus, KafkaSecurity


async def open_bus(
    *, kafka_bootstrap_servers: str | None, bus_database_url: str | None, kafka_security: KafkaSecurity | None = None
) -> Bus:
    """Open the configured bus. Raises `BusUnavailable` if it cannot be reached, ValueError if none is configured."""
    if kafka_bootstrap_servers:
        return KafkaBus(kafka_bootstrap_servers, security=kafka_security)
    if bus_database_url:
        return await EmbeddedBus.open(bus_database_url)
    raise ValueError("neither Kafka's bootstrap servers nor the log's database is configured")
