"""What can go wrong with a task."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from guanxi_common.errors import Conflict, FieldError, InvalidInput, Text

from engagement_svc.tasks.policy import Misfit, NotSnoozed

_WHY: Final[Mapping[Misfit, Text]] = {
    Misfit.ANOTHER_EVIDENCE: Text("This task does not end by a contact.", "该任务不能以联系记录办结。"),
    Misfit.ANOTHER_SUBJECT: Text("This task is about somebody else.", "该任务的对象不是该客户。"),
    Misfit.OLDER: Text("The contact is older than the task.", "联系时间早于任务产生时间。"),
    Misfit.ONE_WAY: Text("A message without an answer does not end this task.", "未获回复的单向联系不能办结该任务。"),
    Misfit.PURPOSE: Text("A contact for this purpose does not end this task.", "该联系目的不能办结该任务。"),
}


class NotTheCustomersTask(InvalidInput):
    """A task named is unknown, or another customer's."""

    code, title = "not_the_customers_task", Text("Not a task of this customer", "不是该客户的任务")

    def __init__(self, places: list[int]) -> None:
        super().__init__(errors=[FieldError(f"/answers/{place}", self.code, self.title) for place in places])


class CannotAnswer(InvalidInput):
    """A contact was said to answer a task that it cannot end; `errors` says why of each."""

    code, title = "cannot_answer", Text("The contact cannot answer this task", "该联系不能办结所指任务")

    def __init__(self, misfits: Mapping[int, Misfit]) -> None:
        super().__init__(errors=[FieldError(f"/answers/{place}", why, _WHY[why]) for place, why in misfits.items()])


class TaskEnded(Conflict):
    """The task has ended; the detail says why, by what and when (UTC)."""

    code, title = "task_ended", Text("The task has ended", "该任务已结束")

    def __init__(self, because: str | None, by: str | None, at: datetime | None) -> None:
        why, when = because or "ended", f"{at:%Y-%m-%d %H:%M}" if at else "?"
        super().__init__(Text(f"{why.capitalize()} by {by} at {when} UTC.", f"{when}（UTC）由{by}结束（{why}）。"))


class NotSnoozable(Conflict):
    """Tasks of this kind are not put off."""

    code, title = "not_snoozable", Text("This task cannot be put off", "该任务不能暂缓")


class NotDelegable(Conflict):
    """Tasks of this kind are worked by whoever is responsible."""

    code, title = "not_delegable", Text("This task cannot be handed over", "该任务不能转交")


_WHEN: Final[Mapping[NotSnoozed, Text]] = {
    NotSnoozed.PAST: Text("This time has passed.", "该时间已过。"),
    NotSnoozed.TOO_LATE: Text("The list warns of this task before then.", "该任务在此之前即将到期提醒。"),
}


class SnoozedTooLong(InvalidInput):
    """The task would come back in the past, or after the list is to warn of it."""

    code, title = "not_in_time", Text("A task is not put off until then", "任务不能暂缓至该时间")

    def __init__(self, why: NotSnoozed) -> None:
        super().__init__(errors=[FieldError("/until", why, _WHEN[why])])


class NotAnAssistant(InvalidInput):
    """Whoever is named is no assistant for this customer now."""

    code, title = "not_an_assistant", Text("Not an assistant for this customer", "不是该客户的助理")

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/to", self.code, self.title)])
