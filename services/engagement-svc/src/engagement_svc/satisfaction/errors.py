"""What can go wrong with an answer."""

from guanxi_common.errors import InvalidInput, Text


class AnsweredInTheFuture(InvalidInput):
    """The answer is dated later than today."""

    code, title = "answered_in_the_future", Text("answered_on lies in the future", "回答日期晚于今天")


class UnknownInteraction(InvalidInput):
    """There is no such contact with this customer."""

    code, title = "unknown_interaction", Text("No such contact with this customer", "该客户没有此联系记录")
