"""What can go wrong with the directory."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class AlreadyInDirectory(Conflict):
    """The code, or the subject, is taken."""

    code, title = "already_in_directory", Text("Already in the directory", "人员目录中已存在")


class UnknownReference(InvalidInput):
    """An outlet, role or superior that the directory does not have, or a role that this kind of caller cannot hold."""

    code, title = "unknown_reference", Text("Unknown outlet, role or superior", "网点、角色或上级不存在")
