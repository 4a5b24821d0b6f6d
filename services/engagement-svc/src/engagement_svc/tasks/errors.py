"""What can go wrong with a task."""

from collections.abc import Mapping
from typing import Final

from guanxi_common.errors import FieldError, InvalidInput, Text

from engagement_svc.tasks.policy import Misfit

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
