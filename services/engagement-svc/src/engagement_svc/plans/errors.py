"""What can go wrong with a plan."""

from guanxi_common.errors import InvalidInput, Text


class AgreedInTheFuture(InvalidInput):
    code, title = "agreed_in_the_future", Text("The agreement lies in the future", "同意日期在将来")


class ReviewOutOfOrder(InvalidInput):
    """The review lies in the future or before the agreement, or the next one is not after it."""

    code, title = "review_out_of_order", Text("The dates of the review do not fit the plan", "回顾日期与规划不符")
