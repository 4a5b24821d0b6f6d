"""Pure rules of tasks: when one is due, which evidence ends it, where it stands on the list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar, Deadline

from engagement_svc.standards import EvidenceStandard, TaskType

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
SNOOZED: Final = 1 << 56
"""The bit of `rank_key` that a task has while it is put off: it stands behind all others, where lists do not come."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What opens a task; its text is unique, so that what comes twice opens one."""

    kind: str
    id: UUID
    part: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.part is None else f"{self.kind}:{self.id}:{self.part}"


@dataclass(frozen=True, slots=True)
class Contact:
    """A recorded contact as evidence. `counts`: its result is an answer. `two_way`: both sides spoke or wrote."""

    reference: str
    customer_id: UUID
    occurred_at: datetime
    direction: str
    purpose: str
    counts: bool
    two_way: bool

    @property
    def name(self) -> str:
        return f"interaction:{self.reference}"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done about one matter, as evidence: `kind` is plan_review, complaint_acknowledgement or complaint_resolution;
    `answers` are the origins of the tasks that it can end."""

    kind: str
    reference: str
    occurred_at: datetime
    answers: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.reference}"


Evidence = Contact | Deed


class Ended(StrEnum):
    """Why a task is no longer open."""

    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    EXPIRED = "expired"
    ERASED = "erased"


class NotSnoozed(StrEnum):
    """Why a task is not put off until the time asked for."""

    KIND = "not_snoozable"
    PAST = "in_the_past"
    TOO_LATE = "after_its_warning"


class Misfit(StrEnum):
    """Why evidence does not end a task. `NOT_REACHED` is no error of the caller's: the contact was an attempt. `NOT_NAMED`: the contact
    names other tasks."""

    ANOTHER_EVIDENCE = "another_evidence"
    ANOTHER_SUBJECT = "another_subject"
    OLDER = "older_than_the_task"
    ONE_WAY = "one_way"
    PURPOSE = "another_purpose"
    NOT_REACHED = "not_reached"
    NOT_NAMED = "not_named"


class Duty(Protocol):
    """What the rules ask of a task."""

    @property
    def customer_id(self) -> UUID: ...

    @property
    def origin(self) -> str: ...

    @property
    def opened_at(self) -> datetime: ...


def due_time(
    task_type: TaskType,
    start: datetime,
    calendar: BusinessCalendar,
    *,
    within: timedelta | None = None,
    on: datetime | None = None,
) -> Deadline:
    """When the clock that starts at `start` runs out. Who opens the task may say another number of hours (`within`); where the type's
    clock is `on_date`, it must say when (`on`). Raises ValueError where it does not."""
    clock = task_type.clock
    if clock.rule == "hours_of_business_days":
        return calendar.deadline(start, timedelta(hours=clock.count) if within is None else within)
    if clock.rule == "end_of_calendar_day":
        due = calendar.start_of_day(calendar.local_date(start) + timedelta(days=clock.count + 1))
        return Deadline(due, calendar.zone, calendar.version, provisional=False)
    if clock.rule == "end_of_business_day":
        due = calendar.end_of_business_day(calendar.add_business_days(calendar.business_day(start), clock.count))
    elif on is None:
        raise ValueError("a task of this kind is due on a date that whoever opens it names")
    else:
        due = on
    return Deadline(due, calendar.zone, calendar.version, calendar.is_provisional(due.year))


def rank_key(priority: int, due_at: datetime) -> int:
    """Order of the list: priority first, then due time in seconds. Fits 8 bytes: priority < 2^15, seconds < 2^40."""
    return (priority << 40) + int((due_at - _EPOCH).total_seconds())


def why_not_snoozed(task_type: TaskType, due_at: datetime, until: datetime, now: datetime) -> NotSnoozed | None:
    """Why the task is not put off: its kind does not allow it, or it would come back before now, or after the list is to warn of it."""
    if not task_type.may_be_snoozed:
        return NotSnoozed.KIND
    if until <= now:
        return NotSnoozed.PAST
    return NotSnoozed.TOO_LATE if until > due_at - task_type.warn else None


def misfit_of(task_type: TaskType, task: Duty, evidence: Evidence, *, named: bool = False) -> Misfit | None:
    """Why `evidence` does not end the task; None where it does. `named`: whoever records the contact says that it answers the task."""
    if isinstance(evidence, Deed):
        if evidence.kind not in DEEDS.get(task_type.ends_by.rule, ()):
            return Misfit.ANOTHER_EVIDENCE
        return None if task.origin in evidence.answers else Misfit.ANOTHER_SUBJECT
    rule = CONTACT_RULES.get(task_type.ends_by.rule)
    if rule is None:
        return Misfit.ANOTHER_EVIDENCE
    if task_type.subject != "customer" or task.customer_id != evidence.customer_id:
        return Misfit.ANOTHER_SUBJECT
    if evidence.occurred_at < task.opened_at:
        return Misfit.OLDER
    return rule(task_type.ends_by, evidence, named) or (None if evidence.counts else Misfit.NOT_REACHED)


def _conversation(ends_by: EvidenceStandard, contact: Contact, named: bool) -> Misfit | None:
    if not contact.two_way:
        return Misfit.ONE_WAY
    fits = contact.purpose in ends_by.purposes or (named and contact.purpose in ends_by.if_named)
    return None if fits else Misfit.PURPOSE


def _touch(ends_by: EvidenceStandard, contact: Contact, named: bool) -> Misfit | None:
    if contact.two_way:
        return _conversation(ends_by, contact, named)
    if contact.direction != "outbound":
        return Misfit.ONE_WAY
    return None if contact.purpose in ends_by.purposes else Misfit.PURPOSE


CONTACT_RULES: Final[Mapping[str, Callable[[EvidenceStandard, Contact, bool], Misfit | None]]] = {
    "conversation": _conversation,
    "touch": _touch,
}
DEEDS: Final[Mapping[str, frozenset[str]]] = {
    "plan_review": frozenset({"plan_review"}),
    # Whoever has the decision needs no word that the complaint was received.
    "complaint_acknowledgement": frozenset({"complaint_acknowledgement", "complaint_resolution"}),
    "complaint_resolution": frozenset({"complaint_resolution"}),
}
"""The deeds that end a task, by its rule."""
