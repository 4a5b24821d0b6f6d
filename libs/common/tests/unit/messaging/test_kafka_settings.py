"""Trap 3: aiokafka's defaults lose data, so the four settings that matter are ours, and these tests hold them."""

import inspect
import logging

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from guanxi_common.messaging.buses import open_bus
from guanxi_common.messaging.kafka.settings import Cluster, KafkaTimes, OnceAMinute, consumer_settings, producer_settings

pytestmark = pytest.mark.anyio


def test_a_producer_is_idempotent_and_waits_for_all_replicas() -> None:
    settings = producer_settings(Cluster("broker:9092"), KafkaTimes())
    assert (settings["acks"], settings["enable_idempotence"], settings["linger_ms"]) == ("all", True, 5)
    assert settings.keys() <= inspect.signature(AIOKafkaProducer).parameters.keys()


def test_a_consumer_starts_at_the_earliest_and_never_commits_by_itself() -> None:
    settings = consumer_settings(Cluster("broker:9092"), KafkaTimes(), "group")
    assert (settings["auto_offset_reset"], settings["enable_auto_commit"]) == ("earliest", False)
    assert settings.keys() <= inspect.signature(AIOKafkaConsumer).parameters.keys()


def test_a_message_is_logged_once_a_minute_whatever_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("guanxi_common.messaging.kafka.settings.time.monotonic", lambda: now)
    limit = OnceAMinute()

    def passes(message: str, argument: int) -> bool:
        return limit.filter(logging.LogRecord("aiokafka.conn", logging.WARNING, "", 0, message, (argument,), None))

    assert [passes("lost %s", 1), passes("lost %s", 2), passes("found %s", 1)] == [True, False, True]
    now += 61
    assert passes("lost %s", 3)


async def test_without_any_address_there_is_no_bus() -> None:
    with pytest.raises(ValueError, match="neither"):
        await open_bus(kafka_bootstrap_servers=None, bus_database_url=None)
