"""What can go wrong with a book run."""

from guanxi_common.errors import Conflict, Text


class NotCancellable(Conflict):
    """The run has ended, or has exchanged the book already and only tells of it."""

    code, title = "run_not_cancellable", Text("The run cannot be cancelled any more", "该批次已不能取消")
