"""8.B.7: the topics' files name the consumers that there are, with the types that each handles, and no others."""

import inspect
from importlib import import_module
from types import ModuleType
from unittest.mock import MagicMock

import pytest
from guanxi_common.installation import SERVICES
from guanxi_contracts.topics import load_topics


def subscribed(worker: ModuleType) -> dict[str, set[str]]:
    """The types that the worker's handlers take, by topic. No handler runs, so that anything will do for what they are made with."""
    parameters = inspect.signature(worker.subscriptions).parameters
    found: dict[str, set[str]] = {}
    for subscription in worker.subscriptions(**{name: MagicMock(name=name) for name in parameters}):
        assert subscription.topic not in found, f"two subscriptions to {subscription.topic}"
        found[subscription.topic] = set(subscription.handlers)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_workers_subscriptions_are_those_that_the_topics_name(service: str) -> None:
    named = {
        topic.name: set(consumer.types)
        for topic in load_topics().values()
        for consumer in topic.consumers
        if consumer.service == f"{service}-svc"
    }
    assert subscribed(import_module(f"{service}_svc.worker")) == named, (
        "mend `consumers` in guanxi_contracts/topics, or the worker"
    )


def test_a_topic_names_services_that_there_are() -> None:
    services = {f"{service}-svc" for service in SERVICES}
    strangers = {
        (topic.name, consumer.service)
        for topic in load_topics().values()
        for consumer in topic.consumers
        if consumer.service not in services
    }
    assert strangers == set()
