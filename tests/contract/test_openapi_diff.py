"""The OpenAPI gate: each kind of breaking change is found, additions pass, and releases in `docs/api/released` are kept."""

import json
from collections.abc import Callable
from copy import deepcopy
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PRESENT, RELEASED = ROOT / "docs" / "api", ROOT / "docs" / "api" / "released"
"""`docs/api/<service>.json` is the present document; `docs/api/released/<service>-<version>.json` are what was promised."""


def _load() -> Callable[[Any, Any], list[str]]:
    """The comparison beside this file: under `importlib` import mode test folders are no packages."""
    spec = spec_from_file_location("openapi_diff", Path(__file__).with_name("openapi_diff.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Any, Any], list[str]] = module.breaking_changes
    return found


breaking_changes = _load()

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/v1/things": {
            "post": {
                "operationId": "createThing",
                "parameters": [{"in": "query", "name": "fields", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}}},
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "422": {"content": {"application/problem+json": {"schema": {}}}},
                },
            },
        },
        "/v1/things/{id}": {"get": {"operationId": "readThing", "responses": {"200": {}}}},
    },
    "components": {
        "schemas": {
            "NewThing": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": ["a", "b"]}, "note": {"type": "string", "maxLength": 10}},
            },
            "Thing": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "size": {"type": "integer"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                },
            },
        }
    },
}

POST = ("paths", "/v1/things", "post")
NEW_THING = ("components", "schemas", "NewThing")
THING = ("components", "schemas", "Thing")


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """DOCUMENT with the node at `path` replaced; None deletes it."""
    document = deepcopy(DOCUMENT)
    node: Any = document
    for part in path[:-1]:
        node = node[part]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("paths", "/v1/others"), {"get": {"operationId": "listOthers", "responses": {"200": {}}}}),
        ((*POST, "parameters"), [*DOCUMENT["paths"]["/v1/things"]["post"]["parameters"], {"in": "query", "name": "new"}]),
        ((*POST, "responses", "422"), None),
        ((*NEW_THING, "properties", "added"), {"type": "string"}),
        ((*NEW_THING, "properties", "kind", "enum"), ["a", "b", "c"]),
        ((*NEW_THING, "properties", "note", "maxLength"), 20),
        ((*NEW_THING, "required"), []),
        ((*THING, "properties", "added"), {"type": "string"}),
        ((*THING, "required"), ["id", "size"]),
    ],
)
def test_additions_are_compatible(path: tuple[str, ...], value: Any) -> None:
    assert breaking_changes(DOCUMENT, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("paths", "/v1/things"), None, "/v1/things: path removed"),
        (POST, None, "POST /v1/things: operation removed"),
        ((*POST, "operationId"), "makeThing", "operationId changed"),
        ((*POST, "parameters"), [], "query parameter fields: removed"),
        (
            (*POST, "parameters"),
            [{"in": "query", "name": "fields", "required": True, "schema": {"type": "string"}}],
            "became required",
        ),
        ((*POST, "parameters"), [{"in": "header", "name": "If-Match", "required": True}], "new and required"),
        ((*POST, "requestBody", "required"), True, "body became required"),
        ((*POST, "requestBody", "content"), {}, "request: application/json removed"),
        ((*POST, "responses", "201"), None, "response 201 removed"),
        ((*NEW_THING, "properties", "note"), None, "request/note: field removed"),
        ((*NEW_THING, "required"), ["kind", "note"], "request/note: became required"),
        ((*NEW_THING, "properties", "kind", "enum"), ["a"], "request/kind: enum narrowed"),
        ((*NEW_THING, "properties", "note", "maxLength"), 5, "request/note: maxLength tightened"),
        ((*NEW_THING, "properties", "note", "pattern"), "^a", "request/note: pattern changed"),
        ((*NEW_THING, "properties", "note", "type"), "integer", "request/note: type narrowed"),
        ((*THING, "properties", "size"), None, "response 201/size: field removed"),
        ((*THING, "properties", "size", "type"), "string", "response 201/size: type changed"),
        ((*THING, "required"), [], "response 201/id: is no longer always there"),
    ],
)
def test_what_a_caller_relies_on_is_kept(path: tuple[str, ...], value: Any, what: str) -> None:
    assert any(what in change for change in breaking_changes(DOCUMENT, changed(path, value)))


def test_every_released_document_is_kept() -> None:
    assert breaking_changes(DOCUMENT, DOCUMENT) == []
    for released in sorted(RELEASED.glob("*.json")):
        present = PRESENT / f"{released.stem.rpartition('-')[0]}.json"
        changes = breaking_changes(json.loads(released.read_text("utf-8")), json.loads(present.read_text("utf-8")))
        assert not changes, f"breaks {released.name}: " + "; ".join(changes)
