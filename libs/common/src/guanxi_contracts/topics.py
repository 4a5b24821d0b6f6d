"""Topics and schemas as data: what `topics/*.yaml` and `schemas/*.json` say, read once per process."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final, Literal, cast
from uuid import UUID

import yaml
from guanxi_common.messaging.bus import CleanupPolicy, TopicSpec
from guanxi_common.messaging.envelope import Envelope
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

TopicKind = Literal["facts", "changes", "snapshots"]
JsonObject = Mapping[str, Any]

TYPE_PREFIX: Final = "guanxi."
DEFINITIONS: Final = "definitions"
_DAY_MS: Final = 86_400_000


class UnknownType(KeyError):
    """No schema has this type."""


class ContractViolation(ValueError):
    """The event does not keep its contract. `pointer` says where (RFC 6901), `rule` which keyword failed; never the value."""

    def __init__(self, type_: str, pointer: str, rule: str) -> None:
        super().__init__(f"{type_}: {pointer or '/'}: {rule}")
        self.type = type_
        self.pointer = pointer
        self.rule = rule


@dataclass(frozen=True, slots=True)
class TopicConsumer:
    """A service that reads a topic, and the types that it handles there; it ignores the others."""

    service: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One `topics/<name>.yaml`. Partition counts are for ever; a change of them means a new topic."""

    name: str
    description: str
    kind: TopicKind
    key: str
    partitions_production: int
    partitions_test: int
    cleanup: CleanupPolicy
    retention_days: int | None
    producers: tuple[str, ...]
    consumers: tuple[TopicConsumer, ...]
    types: tuple[str, ...]
    signed: bool
    """Whether its records grant power, so that a consumer believes them by the producer's signature only."""

    def is_used_by(self, service: str) -> bool:
        return service in self.producers or any(consumer.service == service for consumer in self.consumers)

    def spec(self, *, test: bool) -> TopicSpec:
        """What the bus is asked to create."""
        retention_ms = None if self.retention_days is None else self.retention_days * _DAY_MS
        partitions = self.partitions_test if test else self.partitions_production
        return TopicSpec(self.name, partitions, self.cleanup, retention_ms)


@cache
def load_topics() -> Mapping[str, Topic]:
    """Every topic by name, sorted."""
    return MappingProxyType({topic.name: topic for topic in sorted(_read_topics(), key=lambda topic: topic.name)})


def topic_specs(test: bool, service: str | None = None) -> list[TopicSpec]:
    """The topics that `service` writes or reads, or all, for `Bus.ensure_topics`; with the partition counts of tests or of production."""
    return [topic.spec(test=test) for topic in load_topics().values() if service is None or topic.is_used_by(service)]


@cache
def topic_kinds() -> Mapping[str, TopicKind]:
    """The kind of every topic; the codec asks for each tombstone."""
    return {name: topic.kind for name, topic in load_topics().items()}


@cache
def topic_of(type_: str) -> Topic:
    """The one topic that carries the type; raises `UnknownType`."""
    for topic in load_topics().values():
        if type_ in topic.types:
            return topic
    raise UnknownType(type_)


def is_unsupported_version(type_: str) -> bool:
    """Whether the type is one of ours in a major version that has no schema here: a dead letter, not an event to ignore."""
    if type_ in _schemas():
        return False
    stem, _, _ = type_.rpartition(".v")
    return any(known.rpartition(".v")[0] == stem for known in _schemas())


def event_types() -> tuple[str, ...]:
    """Every type that has a schema, sorted."""
    return tuple(sorted(_schemas()))


def schema_of(type_: str) -> JsonObject:
    """The JSON Schema of the type's data, as written (`$ref`s into `definitions` unresolved); raises `UnknownType`."""
    try:
        return _schemas()[type_]
    except KeyError:
        raise UnknownType(type_) from None


def definitions() -> JsonObject:
    """The schema of what the types share: money, instants, business dates."""
    return _read_schema(_folder("schemas") / f"{DEFINITIONS}.json")


def examples_of(type_: str) -> Mapping[str, JsonObject]:
    """The examples of the type's data, by name; raises `UnknownType`."""
    schema_of(type_)
    folder = _folder("examples") / type_.removeprefix(TYPE_PREFIX)
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in _sorted(folder, ".json")}


def validate(envelope: Envelope) -> None:
    """Hold an event against its contract; raises `ContractViolation` or `UnknownType`.

    Checks topic, version and tombstone by the topic's kind, and the data by its schema. About 0.2 ms: for the edge and for
    tests, not for the fold.
    """
    topic = topic_of(envelope.type)
    if envelope.topic != topic.name:
        raise ContractViolation(envelope.type, "", "topic")
    if (envelope.aggregate_version is None) != (topic.kind == "facts"):
        raise ContractViolation(envelope.type, "", "aggregate_version")
    if envelope.data is not None:
        validate_data(envelope.type, envelope.data)
    elif topic.kind != "snapshots":
        raise ContractViolation(envelope.type, "", "tombstone")


def validate_data(type_: str, data: JsonObject) -> None:
    """Hold `data` (as JSON) against the schema of the type; raises `ContractViolation` for the first error by place."""
    schema_of(type_)
    errors = sorted(_validator(type_).iter_errors(data), key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        pointer = "".join(f"/{part}" for part in errors[0].absolute_path)
        raise ContractViolation(type_, pointer, str(errors[0].validator))


def _folder(name: str) -> Traversable:
    return files("guanxi_contracts") / name


def _sorted(folder: Traversable, suffix: str) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(suffix)), key=lambda file: file.name)


def _read_schema(file: Traversable) -> JsonObject:
    return cast("JsonObject", json.loads(file.read_text("utf-8")))


@cache
def _schemas() -> Mapping[str, JsonObject]:
    named = {file.name.removesuffix(".json"): file for file in _sorted(_folder("schemas"), ".json")}
    return {TYPE_PREFIX + name: _read_schema(file) for name, file in named.items() if name != DEFINITIONS}


def _read_topics() -> Iterator[Topic]:
    for file in _sorted(_folder("topics"), ".yaml"):
        fields = yaml.safe_load(file.read_text("utf-8"))
        yield Topic(
            name=fields["name"],
            description=fields["description"],
            kind=fields["kind"],
            key=fields["key"],
            partitions_production=fields["partitions"]["production"],
            partitions_test=fields["partitions"]["test"],
            cleanup=fields["cleanup"],
            retention_days=fields["retention_days"],
            producers=tuple(fields["producers"]),
            consumers=tuple(TopicConsumer(reader["service"], tuple(reader["types"])) for reader in fields["consumers"]),
            types=tuple(fields["types"]),
            signed=fields.get("signed", False),
        )


_formats = FormatChecker(formats=())


@_formats.checks("uuid", ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@_formats.checks("date", ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


@_formats.checks("date-time", ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def _validator(type_: str) -> Draft202012Validator:
    shared: Resource[Any] = Resource.from_contents(definitions())
    registry: Registry[Any] = Registry().with_resource(definitions()["$id"], shared)
    return Draft202012Validator(schema_of(type_), registry=registry, format_checker=_formats)
