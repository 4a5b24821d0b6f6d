"""The standards that this service goes by, read from `standards.yaml` once and passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import Any, Literal

import yaml
from guanxi_common.errors import Text

Capacity = Literal["assistant"]
Subject = Literal["customer", "staff", "outlet"]
ClockRule = Literal["hours_of_business_days", "end_of_business_day", "end_of_calendar_day", "on_date"]


@dataclass(frozen=True, slots=True)
class ClockStandard:
    """The rule by which a clock runs, and how many of the rule's unit; see `standards.yaml`."""

    rule: ClockRule
    count: int = 0


@dataclass(frozen=True, slots=True)
class EvidenceStandard:
    """The rule of `tasks.policy` by which a task ends; for contacts: the purposes that end it, and those that do if it is named."""

    rule: str
    purposes: tuple[str, ...] = ()
    if_named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TaskType:
    """One kind of task: what it is about, its clock, its priority (1 is the most urgent) and the evidence that ends it; whether it may
    be put off, and to whom of the customer's book it may be handed. One value is equal to no other, so that what is made of it once
    can be kept by it."""

    name: str
    label: Text
    subject: Subject
    clock: ClockStandard
    warn: timedelta
    priority: int
    ends_by: EvidenceStandard
    may_be_snoozed: bool
    delegated_to: tuple[Capacity, ...]


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """`written`: it goes one way, unless the other side answered."""

    label: Text
    written: bool


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
class ContactLimit:
    """At most `max_contacts` contacts in `per_days` days."""

    max_contacts: int
    per_days: int

    def __post_init__(self) -> None:
        if self.max_contacts < 0 or self.per_days < 1:
            raise ValueError("a limit allows no negative number of contacts, in at least a day")


@dataclass(frozen=True, slots=True)
class CorrectionStandard:
    """For so many calendar days after its record a contact is corrected by its author, and by whoever leads."""

    author_days: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class SalesHold:
    """Open complaints of these severities, or about these matters, stop selling."""

    severities: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standards:
    """What tasks, actions and contacts go by, and what the version says of itself."""

    version: int
    author: str
    effective_from: date
    reason: str
    task_types: Mapping[str, TaskType]
    actions: Mapping[str, ActionKind]
    action_tasks: Mapping[str, str]
    contact_limit: ContactLimit
    sales_hold: SalesHold
    corrections: CorrectionStandard
    contact_results: Mapping[str, ContactResult]
    contact_methods: Mapping[str, ContactMethod]


def parse_standards(document: Mapping[str, Any]) -> Standards:
    """Raises KeyError, TypeError or ValueError where the document is incomplete or names what is not known."""
    task_types = {name: _task_type(name, facts) for name, facts in document["task_types"].items()}
    return Standards(
        version=int(document["version"]),
        author=document["author"],
        effective_from=document["effective_from"],
        reason=document["reason"],
        task_types=task_types,
        actions={name: ActionKind(**facts) for name, facts in document["actions"].items()},
        action_tasks=document["action_tasks"],
        contact_limit=ContactLimit(**document["contact_limit"]),
        sales_hold=SalesHold(**{name: tuple(values) for name, values in document["sales_hold"].items()}),
        corrections=CorrectionStandard(**document["corrections"]),
        contact_results={
            name: ContactResult(Text(facts["en"], facts["zh"]), bool(facts["counts"]), facts["outcome"])
            for name, facts in document["contact_results"].items()
        },
        contact_methods={
            name: ContactMethod(Text(facts["en"], facts["zh"]), bool(facts["written"]))
            for name, facts in document["contact_methods"].items()
        },
    )


def _task_type(name: str, facts: Mapping[str, Any]) -> TaskType:
    ends_by = facts["ends_by"]
    return TaskType(
        name=name,
        label=Text(facts["en"], facts["zh"]),
        subject=facts["subject"],
        clock=ClockStandard(**facts["clock"]),
        warn=timedelta(hours=facts["warn_hours"]),
        priority=int(facts["priority"]),
        ends_by=EvidenceStandard(ends_by["rule"], tuple(ends_by.get("purposes", ())), tuple(ends_by.get("if_named", ()))),
        may_be_snoozed=bool(facts["may_be_snoozed"]),
        delegated_to=tuple(facts["delegated_to"]),
    )


def load_document() -> Mapping[str, Any]:
    """What ships with the service, as the file has it."""
    text = files("engagement_svc").joinpath("standards.yaml").read_text(encoding="utf-8")
    document: Mapping[str, Any] = yaml.safe_load(text)
    return document


def load_standards() -> Standards:
    return parse_standards(load_document())
