"""The OpenAPI gate: each kind of breaking change is found, and additions pass."""

from copy import deepcopy
from typing import Any

import pytest
from guanxi_contracts.openapi_compatibility import breaking_changes

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


def test_a_document_is_compatible_with_itself() -> None:
    assert breaking_changes(DOCUMENT, DOCUMENT) == []
