"""The standards that this service goes by, read from `standards.yaml` once and passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, cast

import yaml
from guanxi_common.errors import Text

ClockKind = Literal["business_hours_48", "end_of_business_day", "on_date"]


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of task: its clock, its priority (1 is the most urgent) and the evidence that ends it."""

    name: str
    label: Text
    clock: ClockKind
    priority: int
    closes_on: frozenset[str]


@dataclass(frozen=True, slots=True)
class ContactResult:
    label: Text
    counts: bool


@dataclass(frozen=True, slots=True)
class Standards:
    version: int
    task_types: Mapping[str, TaskType]
    signals: Mapping[str, str]
    contact_results: Mapping[str, ContactResult]
    contact_methods: Mapping[str, Text]


def parse_standards(document: Mapping[str, Any]) -> Standards:
    """Raises KeyError or ValueError where the document is incomplete or names an undeclared task type."""
    task_types = {
        name: TaskType(
            name=name,
            label=Text(facts["en"], facts["zh"]),
            clock=cast("ClockKind", facts["clock"]),
            priority=int(facts["priority"]),
            closes_on=frozenset(facts["closes_on"]),
        )
        for name, facts in document["task_types"].items()
    }
    undeclared = set(document["signals"].values()) - task_types.keys()
    if undeclared:
        raise ValueError(f"undeclared task types: {', '.join(sorted(undeclared))}")
    return Standards(
        version=int(document["version"]),
        task_types=task_types,
        signals=dict(document["signals"]),
        contact_results={
            name: ContactResult(Text(facts["en"], facts["zh"]), bool(facts["counts"]))
            for name, facts in document["contact_results"].items()
        },
        contact_methods={name: Text(facts["en"], facts["zh"]) for name, facts in document["contact_methods"].items()},
    )


def load_standards() -> Standards:
    text = files("engagement_svc").joinpath("standards.yaml").read_text(encoding="utf-8")
    return parse_standards(yaml.safe_load(text))
