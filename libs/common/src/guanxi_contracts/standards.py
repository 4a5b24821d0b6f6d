"""The catalogue of standards: each kind with the JSON Schema of its body and the versions that ship, as `standards/<kind>.json`.

Written from the services' code by `make docs`. customer-svc keeps every service's standards by it and imports none of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator


@dataclass(frozen=True, slots=True)
class ShippedVersion:
    """A version that came with the package."""

    number: int
    author: str
    effective_from: date
    reason: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CataloguedKind:
    """A kind of standard: which service goes by it, and what its body may be."""

    name: str
    service: str
    zh: str
    en: str
    schema: Mapping[str, Any]
    shipped: Sequence[ShippedVersion]


@dataclass(frozen=True, slots=True)
class BodyProblem:
    """Where a body breaks the schema of its kind, as an RFC 6901 pointer into it, and which keyword of JSON Schema it breaks."""

    pointer: str
    keyword: str


@cache
def load_catalogue() -> Mapping[str, CataloguedKind]:
    """Every kind by name, in the order of names."""
    folder = files("guanxi_contracts").joinpath("standards")
    documents = (json.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json"))
    kinds = {document["kind"]: _kind(document) for document in documents}
    return dict(sorted(kinds.items()))


def problems_of(kind: CataloguedKind, body: Mapping[str, Any], limit: int = 20) -> list[BodyProblem]:
    """What is wrong with a body by the schema of its kind, the first `limit`; none of them repeats a value."""
    return [problem for problem, _ in zip(_problems(kind, body), range(limit), strict=False)]


def _problems(kind: CataloguedKind, body: Mapping[str, Any]) -> Iterator[BodyProblem]:
    for error in Draft202012Validator(kind.schema).iter_errors(body):
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
        yield BodyProblem("".join(f"/{step}" for step in steps), str(error.validator))


def _kind(document: Mapping[str, Any]) -> CataloguedKind:
    versions = [
        ShippedVersion(one["version"], one["author"], date.fromisoformat(one["effective_from"]), one["reason"], one["body"])
        for one in document["versions"]
    ]
    return CataloguedKind(
        document["kind"], document["service"], document["title"]["zh"], document["title"]["en"], document["schema"], versions
    )
