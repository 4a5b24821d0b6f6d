"""Pure rules of tasks: when one is due, what ends it, where it stands on the list."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from guanxi_common.calendar import BusinessCalendar, Deadline

from engagement_svc.standards import TaskType

FORTY_EIGHT_HOURS = timedelta(hours=48)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may end a task: `kind` is interaction, plan_review or file_completed; `counts` whether its result is one that counts."""

    kind: str
    reference: str
    occurred_at: datetime
    counts: bool = True
    answers: str | None = None


def due_time(task_type: TaskType, start: datetime, calendar: BusinessCalendar, within: timedelta | None = None) -> Deadline:
    """When the clock that starts at `start` runs out: after 48 hours of business days, or after `within`."""
    if task_type.clock == "end_of_business_day":
        closing = calendar.end_of_business_day(calendar.business_day(start))
        return Deadline(closing, calendar.zone, calendar.version, calendar.is_provisional(closing.year))
    return calendar.deadline(start, within or FORTY_EIGHT_HOURS)


def rank_key(priority: int, due_at: datetime) -> int:
    """Order of the list: priority first, then due time in seconds. Fits 8 bytes: priority < 2^15, seconds < 2^40."""
    return (priority << 40) + int((due_at - _EPOCH).total_seconds())


def ends(task_type: TaskType, origin: str, opened_at: datetime, evidence: Evidence) -> bool:
    """Whether `evidence` ends a task: right kind and a result that counts; and either it answers this very origin, or it answers none
    in particular and is not older than the task."""
    if evidence.kind not in task_type.closes_on or not evidence.counts:
        return False
    return evidence.occurred_at >= opened_at if evidence.answers is None else evidence.answers == origin
