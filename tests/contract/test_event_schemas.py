"""The event contracts: schemas are schemas, every example keeps its contract, and nothing changes that was released."""

from importlib.resources import files
from pathlib import Path

import pytest
from guanxi_contracts.compatibility import Release, compare_releases
from guanxi_contracts.topics import definitions, event_types, examples_of, schema_of, validate_data
from jsonschema import Draft202012Validator

RELEASED = Path(__file__).parents[2] / "docs" / "api" / "released" / "events"
"""One folder per release, each a copy of the package's `schemas/` and `topics/`."""

EXAMPLES = [(type_, name) for type_ in event_types() for name in examples_of(type_)]


def test_the_definitions_are_a_schema() -> None:
    Draft202012Validator.check_schema(definitions())


@pytest.mark.parametrize("type_", event_types())
def test_every_schema_is_a_schema(type_: str) -> None:
    Draft202012Validator.check_schema(schema_of(type_))


@pytest.mark.parametrize(("type_", "name"), EXAMPLES)
def test_every_example_keeps_its_contract(type_: str, name: str) -> None:
    example = examples_of(type_)[name]
    validate_data(type_, example)
    assert set(example) <= set(schema_of(type_)["properties"])


@pytest.mark.parametrize("type_", event_types())
def test_every_type_has_a_typical_and_a_minimal_example(type_: str) -> None:
    examples = examples_of(type_)
    assert {"typical", "minimal"} <= set(examples)
    assert set(examples["minimal"]) >= set(schema_of(type_)["required"])
    shown = {field for example in examples.values() for field in example}
    assert shown == set(schema_of(type_)["properties"])


def test_every_release_is_still_readable() -> None:
    present = Release.read(Path(str(files("guanxi_contracts"))))
    assert set(present.schemas) == {type_.removeprefix("guanxi.") for type_ in event_types()} | {"definitions"}
    for folder in sorted(RELEASED.glob("*/")):
        breaches = compare_releases(Release.read(folder), present)
        assert not breaches, f"breaks release {folder.name}: " + "; ".join(map(str, breaches))
