"""What the directory refuses."""

from guanxi_common.errors import Forbidden, Text


class NotInDirectory(Forbidden):
    """The token is good, but its subject is unknown here, inactive, or has a role that is unknown here."""

    code, title = "not_in_directory", Text("Not in the directory", "不在人员目录中")
