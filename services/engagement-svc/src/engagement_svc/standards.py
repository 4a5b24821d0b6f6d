"""The standards that this service goes by, read from `standards.yaml` once and passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, cast

import yaml
from guanxi_common.errors import Text

from engagement_svc.contact_budget.policy import ContactLimit

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
    """`counts`: whether it ends a task. `outcome`: what it makes of the action that the task carried."""

    label: Text
    counts: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class ActionKind:
    """How a kind of recommended action is worked on: for what its contact counts (`service`: it needs none of the budget), whether
    it ends by itself on its date, whether an RM may decline it."""

    purpose: str
    ends_by_itself: bool
    may_be_declined: bool


@dataclass(frozen=True, slots=True)
class Standards:
    version: int
    task_types: Mapping[str, TaskType]
    actions: Mapping[str, ActionKind]
    contact_limit: ContactLimit
    contact_results: Mapping[str, ContactResult]
    contact_methods: Mapping[str, Text]


def parse_standards(document: Mapping[str, Any]) -> Standards:
    """Raises KeyError, TypeError or ValueError where the document is incomplete or names what is not known."""
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
    return Standards(
        version=int(document["version"]),
        task_types=task_types,
        actions={name: ActionKind(**facts) for name, facts in document["actions"].items()},
        contact_limit=ContactLimit(**document["contact_limit"]),
        contact_results={
            name: ContactResult(Text(facts["en"], facts["zh"]), bool(facts["counts"]), facts["outcome"])
            for name, facts in document["contact_results"].items()
        },
        contact_methods={name: Text(facts["en"], facts["zh"]) for name, facts in document["contact_methods"].items()},
    )


def load_standards() -> Standards:
    text = files("engagement_svc").joinpath("standards.yaml").read_text(encoding="utf-8")
    return parse_standards(yaml.safe_load(text))
