"""What can go wrong with a consent."""

from guanxi_common.errors import InvalidInput, Text


class UnknownPurpose(InvalidInput):
    """The standard names no such purpose."""

    code, title = "unknown_purpose", Text("Unknown purpose of contact", "未知的联系目的")
