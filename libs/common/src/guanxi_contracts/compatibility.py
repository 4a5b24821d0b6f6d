"""What may change between two releases of an event schema: nothing that a reader of the old one would stumble over.

Breaking: a field removed or made optional, a field required that was not (older events lack it, and for `bank.inbound.*` older
producers do), a type or enum narrowed or widened to null, any other keyword tightened, the topic's key, kind or partitions
changed. Not breaking: a new optional field, a new type, words in `title` and `description`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

JsonSchema = Mapping[str, Any]

_WORDS: Final = frozenset({"title", "description", "examples", "$comment", "$schema", "$id"})
_LOWER_BOUNDS: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER_BOUNDS: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_FIXED_TOPIC_FIELDS: Final = ("kind", "key", "partitions", "cleanup")


@dataclass(frozen=True, slots=True)
class Breach:
    """One breaking change: in which contract, where in it (RFC 6901), and what."""

    contract: str
    pointer: str
    rule: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.pointer or '/'}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Release:
    """Schemas and topics of one release by name, as their files say."""

    schemas: Mapping[str, JsonSchema]
    topics: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Release":
        """What `folder/schemas` and `folder/topics` hold; `folder` is the package, or a copy of it in `docs/api/released/events/`."""
        schemas = {file.stem: json.loads(file.read_text("utf-8")) for file in sorted((folder / "schemas").glob("*.json"))}
        topics = {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in sorted((folder / "topics").glob("*.yaml"))}
        return cls(schemas, topics)


def compare_releases(old: Release, new: Release) -> list[Breach]:
    """All breaking changes from the old release to the new one."""
    breaches: list[Breach] = []
    for name, schema in old.schemas.items():
        later = new.schemas.get(name)
        breaches.extend([Breach(name, "", "schema removed")] if later is None else compare_schemas(name, schema, later))
    for name, topic in old.topics.items():
        breaches.extend(_compare_topics(name, topic, new.topics.get(name)))
    return breaches


def compare_schemas(name: str, old: JsonSchema, new: JsonSchema) -> list[Breach]:
    """The breaking changes between two versions of one schema, by place."""
    return [Breach(name, pointer, rule) for pointer, rule in _compare(old, new, "")]


def _compare_topics(name: str, old: Mapping[str, Any], new: Mapping[str, Any] | None) -> Iterator[Breach]:
    if new is None:
        yield Breach(name, "", "topic removed")
        return
    for field in _FIXED_TOPIC_FIELDS:
        if old[field] != new[field]:
            yield Breach(name, f"/{field}", "changed")
    for type_ in old["types"]:
        if type_ not in new["types"]:
            yield Breach(name, "/types", f"{type_} moved away")


def _compare(old: Any, new: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield pointer, "changed"
        return
    yield from _compare_fields(old, new, pointer)
    for keyword in sorted((old.keys() | new.keys()) - _WORDS - {"properties", "required", "$defs"}):
        yield from _compare_keyword(keyword, old.get(keyword), new.get(keyword), f"{pointer}/{keyword}")
    for definition, shape in old.get("$defs", {}).items():
        place = f"{pointer}/$defs/{definition}"
        if definition not in new.get("$defs", {}):
            yield place, "definition removed"
        else:
            yield from _compare(shape, new["$defs"][definition], place)


def _compare_fields(old: JsonSchema, new: JsonSchema, pointer: str) -> Iterator[tuple[str, str]]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    for field, shape in old_fields.items():
        place = f"{pointer}/properties/{field}"
        if field in new_fields:
            yield from _compare(shape, new_fields[field], place)
        else:
            yield place, "field removed"
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    for field in sorted(new_required - old_required):
        yield f"{pointer}/required", f"{field} became required"
    for field in sorted((old_required - new_required) & new_fields.keys()):
        yield f"{pointer}/required", f"{field} became optional"


def _compare_keyword(keyword: str, old: Any, new: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if keyword in ("type", "enum"):
        yield from _compare_choices(keyword, old, new, pointer)
    elif keyword in _LOWER_BOUNDS | _UPPER_BOUNDS:
        if new is not None and (old is None or (new > old if keyword in _LOWER_BOUNDS else new < old)):
            yield pointer, "tightened"
    elif (
        keyword in ("anyOf", "oneOf", "allOf")
        and isinstance(old, Sequence)
        and isinstance(new, Sequence)
        and len(old) == len(new)
    ):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare(before, after, f"{pointer}/{index}")
    elif keyword in ("items", "additionalProperties") and isinstance(old, Mapping):
        yield from _compare(old, new, pointer)
    elif old != new:
        yield pointer, "changed"


def _compare_choices(keyword: str, old: Any, new: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """An enum may grow (readers must ignore what they do not know), a type may not: null where it was never null breaks."""
    if old is None or new is None:
        if old != new:
            yield pointer, "changed"
        return
    before, after = (set(choice) if isinstance(choice, list) else {choice} for choice in (old, new))
    if before - after:
        yield pointer, "narrowed"
    if keyword == "type" and after - before:
        yield pointer, "widened"
