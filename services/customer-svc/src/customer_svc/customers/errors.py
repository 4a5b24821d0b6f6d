"""What can go wrong with a customer file."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class AlreadyRegistered(Conflict):
    """The source has registered this customer number before."""

    code, title = "already_registered", Text("Customer already registered", "客户已登记")


class OutletOutOfScope(InvalidInput):
    """The outlet is unknown, or not one where the caller may file customers."""

    code, title = "unknown_outlet", Text("Unknown outlet", "网点不存在")
