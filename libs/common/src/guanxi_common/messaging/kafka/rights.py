"""What each service may do at the brokers, from the contracts: write to the topics it produces, read those it consumes. Pure.

One principal per service, named after it: its worker has it, and its API process, which never speaks to a broker, has none. Kafka
implies Describe. A topic is created by its producer, and one that comes from outside the house by whoever reads it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from guanxi_contracts.topics import Topic, load_topics

Operation = Literal["Create", "Read", "Write"]


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """That `User:<principal>` may do `operation` on the topic, or on the consumer groups whose names begin with `name`."""

    principal: str
    resource: Literal["topic", "group"]
    operation: Operation
    name: str


def rights() -> list[Right]:
    """Every right that there should be, sorted; what is not here is refused where `allow.everyone.if.no.acl.found` is false."""
    services = {consumer.service for topic in load_topics().values() for consumer in topic.consumers}
    groups = (Right(service, "group", "Read", service) for service in services)
    return sorted({*groups, *(right for topic in load_topics().values() for right in _on(topic, services))})


def _on(topic: Topic, services: Iterable[str]) -> Iterator[Right]:
    for producer in topic.producers:
        yield Right(producer, "topic", "Write", topic.name)
        if producer in services:
            yield Right(producer, "topic", "Create", topic.name)
    for consumer in topic.consumers:
        yield Right(consumer.service, "topic", "Read", topic.name)
        if not set(topic.producers) & set(services):
            yield Right(consumer.service, "topic", "Create", topic.name)


def commands(bootstrap_servers: str, command_config: str) -> list[str]:
    """The `kafka-acls.sh` calls that add the rights; to run one again changes nothing."""
    lines = []
    for (principal, resource, operation), group in groupby(rights(), lambda r: (r.principal, r.resource, r.operation)):
        pattern = "prefixed" if resource == "group" else "literal"
        names = " ".join(f"--{resource} {right.name}" for right in group)
        lines.append(
            f"kafka-acls.sh --bootstrap-server {bootstrap_servers} --command-config {command_config} --add"
            f" --allow-principal User:{principal} --operation {operation} --resource-pattern-type {pattern} {names}"
        )
    return lines
