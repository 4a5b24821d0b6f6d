"""What can go wrong with a task."""

from guanxi_common.errors import InvalidInput, Text


class TaskNotEnded(InvalidInput):
    """A task named is not open for this customer, or its type does not end with this evidence."""

    code, title = "task_not_ended", Text("This does not end the task", "该记录不能完成此任务")
