"""The services' event models against the contracts: each class has a schema, and what it makes is valid.

Where a model's field is a bare `str` its vocabulary is the contract's, so the generated instance takes the contract's own
example for it; every other field is generated from its type.
"""

import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import customer_svc
import engagement_svc
import pytest
import scoring_svc
from guanxi_common.messaging.envelope import DomainEvent
from guanxi_common.money import Money
from guanxi_contracts.topics import TYPE_PREFIX, event_types, examples_of, schema_of, topic_of, validate_data
from polyfactory.factories.pydantic_factory import ModelFactory
from pydantic import BaseModel

SERVICES = (customer_svc, engagement_svc, scoring_svc)

FROM_OUTSIDE = {"guanxi.transaction.reported.v1", "guanxi.account.reported.v1"}
"""Types that core banking produces, so that no class of ours has them."""

NOT_YET_PRODUCED: set[str] = set()
"""Contracts that stand before their producer; a type leaves this set with the class that produces it."""

INSTANCES = 20


def event_classes() -> list[type[DomainEvent]]:
    """Every event class of the three services, by type."""
    for service in SERVICES:
        for module in pkgutil.walk_packages(service.__path__, f"{service.__name__}."):
            if module.name.rpartition(".")[2] == "events":
                import_module(module.name)
    found = [
        cls for cls in descendants(DomainEvent) if cls.__module__.split(".")[0] in {service.__name__ for service in SERVICES}
    ]
    return sorted((cls for cls in found if hasattr(cls, "event_type")), key=lambda cls: cls.event_type)


def descendants(cls: type[DomainEvent]) -> Iterator[type[DomainEvent]]:
    for child in cls.__subclasses__():
        yield child
        yield from descendants(child)


CLASSES = event_classes()
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")


def factory_of(cls: type[DomainEvent]) -> type[ModelFactory[DomainEvent]]:
    example = examples_of(cls.event_type)["typical"]
    told = {
        name: example[name]
        for name, field in cls.model_fields.items()
        if name in example and field.annotation in (str, list[str], dict[str, str], dict[str, Any])
    }
    members: dict[str, Any] = {"__model__": cls, "__random_seed__": 1, "__set_as_default_factory_for_type__": False, **told}
    return type(f"{cls.__name__}Factory", (EventFactory,), members)


class EventFactory(ModelFactory[DomainEvent]):
    """Makes valid parts for what the types alone do not say."""

    __is_base_factory__ = True

    @classmethod
    def get_provider_map(cls) -> dict[Any, Any]:
        providers = super().get_provider_map()
        providers[Money] = lambda: Money(cls.__random__.randint(-(10**12), 10**12), "CNY")
        providers[datetime] = lambda: datetime.fromtimestamp(cls.__random__.randint(0, 2**32), UTC)
        return providers


def test_every_type_is_produced_by_one_class_or_named_as_not_ours() -> None:
    produced = [cls.event_type for cls in CLASSES]
    assert len(produced) == len(set(produced))
    assert sorted([*produced, *FROM_OUTSIDE, *NOT_YET_PRODUCED]) == list(event_types())


@each_class
def test_a_class_travels_as_its_topic_says(cls: type[DomainEvent]) -> None:
    topic = topic_of(cls.event_type)
    assert topic.name == cls.topic
    assert [cls.__module__.split(".")[0].replace("_", "-")] == list(topic.producers)
    if topic.key == "customer_id":
        assert cls.key_field == "customer_id"


@each_class
def test_a_class_is_closed_and_uses_only_the_fields_of_its_schema(cls: type[DomainEvent]) -> None:
    assert cls.model_config["extra"] == "forbid"
    schema = schema_of(cls.event_type)
    assert set(cls.model_fields) <= set(schema["properties"])
    assert set(schema["required"]) <= set(cls.model_fields)


@each_class
def test_what_a_class_makes_is_valid(cls: type[DomainEvent]) -> None:
    for event in factory_of(cls).batch(INSTANCES):
        assert isinstance(event, BaseModel)
        validate_data(cls.event_type, event.model_dump(mode="json", exclude_none=True))
        assert event.key
        assert cls.event_type.startswith(TYPE_PREFIX)
