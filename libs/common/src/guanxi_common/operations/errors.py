"""What can go wrong with an operation."""

from guanxi_common.errors import Conflict, Text


class NotCancellable(Conflict):
    """The operation has ended, or is past the point from which it only completes."""

    code, title = "operation_not_cancellable", Text("The operation cannot be cancelled any more", "该操作已不能取消")


class NotRetryable(Conflict):
    """Only an operation that has failed is done again."""

    code, title = "operation_not_failed", Text("The operation has not failed", "该操作没有失败")
