"""What may change between two releases of an OpenAPI document within `/v1`: nothing that a caller of the old one relies on.

Breaking: a path, operation, success status or media type removed; a parameter removed, added as required or made required; in a
request a field removed (bodies are closed) or newly required, a type or enum narrowed, a bound tightened; in a response a field
removed or no longer always there, a type changed. Not breaking: new paths, optional fields and parameters, response fields, words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
FIXED = ("format", "pattern", "const", "multipleOf", "uniqueItems")

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One document, for looking up its references."""

    document: Node

    def resolve(self, node: Node) -> Node:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two schemas in the same place; `request` says who writes it."""

    old: Side
    new: Side
    request: bool


def breaking_changes(old: Node, new: Node) -> list[str]:
    """Each as `METHOD /path: where: what`, in the order of the old document."""
    return list(_paths(Side(old), Side(new)))


def _paths(old: Side, new: Side) -> Iterator[str]:
    for path, item in old.document["paths"].items():
        later = new.document["paths"].get(path)
        if later is None:
            yield f"{path}: path removed"
            continue
        for method in METHODS:
            if method not in item:
                continue
            name = f"{method.upper()} {path}"
            if method not in later:
                yield f"{name}: operation removed"
                continue
            yield from (f"{name}: {what}" for what in _operation(old, new, item[method], later[method]))


def _operation(old: Side, new: Side, before: Node, after: Node) -> Iterator[str]:
    if before.get("operationId") != after.get("operationId"):
        yield "operationId changed"
    yield from _parameters(old, new, before, after)
    yield from _body(old, new, before, after)
    for status, response in before.get("responses", {}).items():
        if not status.startswith("2"):
            continue
        later = after.get("responses", {}).get(status)
        if later is None:
            yield f"response {status} removed"
            continue
        place = f"response {status}"
        yield from _content(Comparison(old, new, request=False), old.resolve(response), new.resolve(later), place)


def _parameters(old: Side, new: Side, before: Node, after: Node) -> Iterator[str]:
    earlier = {(p["in"], p["name"]): p for p in map(old.resolve, before.get("parameters", ()))}
    later = {(p["in"], p["name"]): p for p in map(new.resolve, after.get("parameters", ()))}
    for place, parameter in earlier.items():
        where = f"{place[0]} parameter {place[1]}"
        if place not in later:
            yield f"{where}: removed"
            continue
        if later[place].get("required") and not parameter.get("required"):
            yield f"{where}: became required"
        yield from _schema(Comparison(old, new, request=True), parameter.get("schema", {}), later[place].get("schema", {}), where)
    for place in later.keys() - earlier.keys():
        if later[place].get("required"):
            yield f"{place[0]} parameter {place[1]}: new and required"


def _body(old: Side, new: Side, before: Node, after: Node) -> Iterator[str]:
    earlier, later = (side.resolve(operation.get("requestBody", {})) for side, operation in ((old, before), (new, after)))
    if later.get("required") and not earlier.get("required"):
        yield "request: body became required"
    if earlier:
        yield from _content(Comparison(old, new, request=True), earlier, later, "request")


def _content(sides: Comparison, before: Node, after: Node, place: str) -> Iterator[str]:
    for media, shape in before.get("content", {}).items():
        if media not in after.get("content", {}):
            yield f"{place}: {media} removed"
        else:
            yield from _schema(sides, shape.get("schema", {}), after["content"][media].get("schema", {}), place)


def _schema(sides: Comparison, before: Node, after: Node, place: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    reference = before.get("$ref", "")
    if reference in seen:
        return
    seen = seen | {reference} if reference else seen
    before, after = sides.old.resolve(before), sides.new.resolve(after)
    yield from _choices(sides, before, after, place)
    yield from _bounds(sides, before, after, place)
    yield from _fields(sides, before, after, place, seen)
    for keyword in ("items", "additionalProperties"):
        if isinstance(before.get(keyword), Mapping):
            later = after.get(keyword)
            yield from _schema(sides, before[keyword], later if isinstance(later, Mapping) else {}, f"{place}/{keyword}", seen)
    for keyword in ("anyOf", "oneOf", "allOf"):
        earlier, later = before.get(keyword, []), after.get(keyword, [])
        if len(earlier) != len(later):
            yield f"{place}: {keyword} changed"
            continue
        for index, (one, other) in enumerate(zip(earlier, later, strict=True)):
            yield from _schema(sides, one, other, f"{place}/{keyword}/{index}", seen)


def _fields(sides: Comparison, before: Node, after: Node, place: str, seen: frozenset[str]) -> Iterator[str]:
    fields, later = before.get("properties", {}), after.get("properties", {})
    for name, shape in fields.items():
        if name in later:
            yield from _schema(sides, shape, later[name], f"{place}/{name}", seen)
        else:
            yield f"{place}/{name}: field removed"
    required, required_later = set(before.get("required", ())), set(after.get("required", ()))
    if sides.request:
        yield from (f"{place}/{name}: became required" for name in sorted(required_later - required))
    else:
        yield from (f"{place}/{name}: is no longer always there" for name in sorted((required - required_later) & later.keys()))


def _choices(sides: Comparison, before: Node, after: Node, place: str) -> Iterator[str]:
    types, types_later = _as_set(before.get("type")), _as_set(after.get("type"))
    if sides.request and types_later and (not types or types - types_later):
        yield f"{place}: type narrowed"
    if not sides.request and types != types_later:
        yield f"{place}: type changed"
    values, values_later = before.get("enum"), after.get("enum")
    if sides.request and values_later is not None and (values is None or set(values) - set(values_later)):
        yield f"{place}: enum narrowed"


def _bounds(sides: Comparison, before: Node, after: Node, place: str) -> Iterator[str]:
    if not sides.request:
        return
    for keyword in LOWER_BOUNDS + UPPER_BOUNDS:
        was, now = before.get(keyword), after.get(keyword)
        tighter = now is not None and (was is None or (now > was if keyword in LOWER_BOUNDS else now < was))
        if tighter:
            yield f"{place}: {keyword} tightened"
    for keyword in FIXED:
        if after.get(keyword) is not None and after[keyword] != before.get(keyword):
            yield f"{place}: {keyword} changed"


def _as_set(value: Any) -> set[str]:
    return set() if value is None else set(value) if isinstance(value, list) else {value}
