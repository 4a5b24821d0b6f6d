"""A kind of standard: its name, the type of its values, what ships, and the JSON Schema of its body."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Generic

from pydantic import TypeAdapter

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import Text
from guanxi_common.standards.policy import StandardVersion
from guanxi_common.standards.shipped import S, load_documents, load_standards

FACTS: Final = frozenset({"version", "author", "effective_from", "reason"})
"""What every version says of itself; the rest is its body."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[S]):
    """One kind of standard. `name` is its name for the bank, `value_type` the type by which code asks for it."""

    name: str
    title: Text
    value_type: type[S]
    documents: Sequence[Mapping[str, Any]]
    shipped: Sequence[S]
    parse: Callable[[Mapping[str, Any]], S]
    schema: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, name: str, title: Text, kind: type[S], *where: str) -> "Kind[S]":
        """The kind whose versions ship in a slice's file; `where`: package, slice and, where it is another one, the file's name."""
        adapter = TypeAdapter(kind)
        return cls(
            name, title, kind, load_documents(*where), load_standards(where[0], kind, *where[1:]), adapter.validate_python,
            body_schema(adapter.json_schema()),
        )  # fmt: skip

    def read(self, version: StandardVersion, effective_from: date) -> S:
        """The value of a version. Raises `ValueError` (pydantic's) for a body that breaks a rule of the kind."""
        facts = {"version": version.number, "author": version.author, "reason": version.reason, "effective_from": effective_from}
        return self.parse({**version.body, **facts})

    def read_body(self, body: Mapping[str, Any]) -> S:
        """The value of a body that is no version yet; raises as `read`."""
        return self.parse({**body, "version": 1, "author": "", "reason": "", "effective_from": date(1900, 1, 1)})

    def shipped_versions(self, calendar: BusinessCalendar) -> list[StandardVersion]:
        """What ships, each in force from the start of its day on, and known since then."""
        return [
            StandardVersion(
                kind=self.name,
                number=document["version"],
                body=body_of(document),
                author=document["author"],
                reason=" ".join(document["reason"].split()),
                approved_by=None,
                approved_at=calendar.start_of_day(document["effective_from"]),
                effective_at=calendar.start_of_day(document["effective_from"]),
            )
            for document in self.documents
        ]


def body_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of a version as JSON has it: keys are texts."""
    body: Mapping[str, Any] = json.loads(json.dumps({name: value for name, value in document.items() if name not in FACTS}))
    return body


def body_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a body, from that of the whole: what a version says of itself is left out. Nothing else may stand in it."""
    properties = {name: value for name, value in schema["properties"].items() if name not in FACTS}
    required = [name for name in schema["required"] if name not in FACTS]
    return {**schema, "properties": properties, "required": required, "additionalProperties": False}
