"""Each kind of breaking change is found, and nothing harmless is called one."""

from copy import deepcopy
from typing import Any

import pytest
from guanxi_contracts.compatibility import Release, compare_releases, compare_schemas

SCHEMA: dict[str, Any] = {
    "$id": "urn:guanxi:schema:thing.done.v1",
    "title": "A thing was done",
    "type": "object",
    "required": ["thing_id"],
    "properties": {
        "thing_id": {"type": "string", "format": "uuid"},
        "kind": {"enum": ["a", "b"]},
        "note": {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}}},
    },
}
TOPIC: dict[str, Any] = {
    "kind": "facts",
    "key": "customer_id",
    "partitions": {"production": 48, "test": 4},
    "cleanup": "delete",
    "retention_days": 30,
    "types": ["guanxi.thing.done.v1"],
}


RELEASE = Release({"thing": SCHEMA}, {"things": TOPIC})


def changed(path: str, value: Any) -> dict[str, Any]:
    """SCHEMA with the node at `path` replaced; None deletes it."""
    schema = deepcopy(SCHEMA)
    node: Any = schema
    *parents, last = path.split("/")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return schema


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties/added", {"type": "string"}),
        ("title", "Something was done"),
        ("description", "now described"),
        ("properties/kind/enum", ["a", "b", "c"]),
        ("properties/note/anyOf/0/maxLength", 20),
        ("properties/parts/items/properties/size/minimum", 0),
        ("properties/parts/items/properties/colour", {"type": "string"}),
    ],
)
def test_additions_and_words_are_compatible(path: str, value: Any) -> None:
    assert compare_schemas("thing", SCHEMA, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "pointer", "rule"),
    [
        ("properties/kind", None, "/properties/kind", "field removed"),
        ("required", ["thing_id", "kind"], "/required", "kind became required"),
        ("required", [], "/required", "thing_id became optional"),
        ("properties/kind/enum", ["a"], "/properties/kind/enum", "narrowed"),
        ("properties/thing_id/type", "integer", "/properties/thing_id/type", "narrowed"),
        ("properties/thing_id/type", ["string", "null"], "/properties/thing_id/type", "widened"),
        ("properties/thing_id/format", "date", "/properties/thing_id/format", "changed"),
        ("properties/thing_id/pattern", "^a", "/properties/thing_id/pattern", "changed"),
        ("properties/note/anyOf/0/maxLength", 5, "/properties/note/anyOf/0/maxLength", "tightened"),
        ("properties/note/anyOf", [{"type": "string"}], "/properties/note/anyOf", "changed"),
        ("properties/parts/maxItems", 3, "/properties/parts/maxItems", "tightened"),
        ("properties/parts/items/properties/size/minimum", 2, "/properties/parts/items/properties/size/minimum", "tightened"),
        ("properties/parts/items/properties/size", None, "/properties/parts/items/properties/size", "field removed"),
        ("additionalProperties", False, "/additionalProperties", "changed"),
    ],
)
def test_what_a_reader_would_stumble_over_is_found(path: str, value: Any, pointer: str, rule: str) -> None:
    assert (pointer, rule) in [(breach.pointer, breach.rule) for breach in compare_schemas("thing", SCHEMA, changed(path, value))]


def test_a_definition_that_changes_is_found_where_it_stands() -> None:
    old = {"$defs": {"money": {"type": "object", "properties": {"amount": {"type": "integer"}}}}}
    new = {"$defs": {"money": {"type": "object", "properties": {"amount": {"type": "number"}}}}}
    assert [breach.pointer for breach in compare_schemas("definitions", old, new)] == ["/$defs/money/properties/amount/type"] * 2
    assert [breach.rule for breach in compare_schemas("definitions", old, {"$defs": {}})] == ["definition removed"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"key": "account_id"}, "/key"),
        ({"kind": "changes"}, "/kind"),
        ({"partitions": {"production": 96, "test": 4}}, "/partitions"),
        ({"cleanup": "compact"}, "/cleanup"),
        ({"types": []}, "/types"),
    ],
)
def test_a_topic_keeps_key_kind_partitions_and_types(change: dict[str, Any], pointer: str) -> None:
    breaches = compare_releases(Release({}, {"things": TOPIC}), Release({}, {"things": TOPIC | change}))
    assert [breach.pointer for breach in breaches] == [pointer]


def test_a_topic_may_get_types_consumers_and_another_retention() -> None:
    grown = TOPIC | {"types": [*TOPIC["types"], "guanxi.thing.undone.v1"], "retention_days": 90, "consumers": ["new"]}
    assert compare_releases(RELEASE, Release({"thing": SCHEMA, "other": SCHEMA}, {"things": grown})) == []


def test_a_removed_schema_or_topic_is_found() -> None:
    breaches = compare_releases(RELEASE, Release({}, {}))
    assert [str(breach) for breach in breaches] == ["thing: /: schema removed", "things: /: topic removed"]
