"""What we set aiokafka to. Its defaults lose data: `acks=1` without idempotence, reading from `latest`, automatic commits."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError

from guanxi_common.messaging.bus import BusUnavailable
from guanxi_common.messaging.kafka.security import KafkaSecurity, refusal_of


@dataclass(frozen=True, slots=True)
class KafkaTimes:
    """In seconds. `delivery`: after it an unsettled send is reported as unknown. `stall`: after it a partition with unread
    records and no progress has its consumer restarted. Both are longer than a broker's restart (13 s measured, one broker).
    """

    request: float = 10.0
    delivery: float = 30.0
    session: float = 6.0
    max_poll_interval: float = 300.0
    stall: float = 20.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """The brokers at `bootstrap_servers` (`host:port,…`), and how they are spoken to."""

    bootstrap_servers: str
    security: KafkaSecurity = field(default_factory=KafkaSecurity)


def client_settings(cluster: Cluster, times: KafkaTimes) -> dict[str, Any]:
    """Raises OSError where a certificate cannot be read."""
    return {
        "bootstrap_servers": cluster.bootstrap_servers,
        "client_id": "guanxi",
        "request_timeout_ms": int(times.request * 1000),
        **cluster.security.client_options(),
    }


def producer_settings(cluster: Cluster, times: KafkaTimes) -> dict[str, Any]:
    return {
        **client_settings(cluster, times),
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
        "max_request_size": 1_048_576,
    }


def consumer_settings(cluster: Cluster, times: KafkaTimes, group: str) -> dict[str, Any]:
    return {
        **client_settings(cluster, times),
        "group_id": group,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "session_timeout_ms": int(times.session * 1000),
        "heartbeat_interval_ms": int(times.session * 1000 / 3),
        "max_poll_interval_ms": int(times.max_poll_interval * 1000),
    }


@asynccontextmanager
async def explained(cluster: Cluster, times: KafkaTimes) -> AsyncIterator[None]:
    """`reported` around a first connection, with the reason why the brokers refuse it."""
    try:
        with reported():
            yield
    except BusUnavailable as error:
        if not isinstance(error.__cause__, KafkaConnectionError):
            raise
        reason = await refusal_of(cluster.bootstrap_servers, cluster.security, times.request)
        raise BusUnavailable(f"Kafka: {reason}") from error


@contextmanager
def reported() -> Iterator[None]:
    """Raise `BusUnavailable` for Kafka's errors, lost connections, time-outs (`TimeoutError` is an `OSError`) and strange cancellations.

    aiokafka lets the cancellation of its own tasks out of its calls: when its consumer stops, it cancels a fetch and awaits it. Our
    task would end by it as if somebody had cancelled it: without an error, and for good.
    """
    try:
        yield
    except (KafkaError, OSError) as error:
        raise BusUnavailable(f"Kafka: {type(error).__name__}: {error}") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable("Kafka: the call was cancelled from within") from error


class OnceAMinute(logging.Filter):
    """Passes each message of a logger once a minute, whatever its arguments: aiokafka logs every retry, 100 lines a second."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, message = time.monotonic(), (record.name, str(record.msg))
        if now - self._passed.get(message, float("-inf")) < 60:
            return False
        self._passed[message] = now
        return True


def quieten() -> None:
    """Limit aiokafka's loggers to warnings, each once a minute. A level that somebody set stays."""
    if logging.getLogger("aiokafka").level == logging.NOTSET:
        logging.getLogger("aiokafka").setLevel(logging.WARNING)
    # A filter acts on its own logger only, not on those below.
    for name, logger in list(logging.root.manager.loggerDict.items()):
        limited = isinstance(logger, logging.Logger) and any(isinstance(known, OnceAMinute) for known in logger.filters)
        if name.startswith("aiokafka") and isinstance(logger, logging.Logger) and not limited:
            logger.addFilter(OnceAMinute())
