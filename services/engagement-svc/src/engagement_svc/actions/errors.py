"""What can go wrong with an action."""

from guanxi_common.errors import Conflict, Text


class NotDeclinable(Conflict):
    """The task is a duty, or carries no action, or has ended: only an open offer can be declined."""

    code, title = "not_declinable", Text("This task cannot be declined", "该任务不能拒绝")
