"""What can go wrong with the directory."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class AlreadyInDirectory(Conflict):
    """The code, or the subject, is taken."""

    code, title = "already_in_directory", Text("Already in the directory", "人员目录中已存在")


class UnknownReference(InvalidInput):
    """An outlet, role or superior that the directory does not have, or a role that this kind of caller cannot hold."""

    code, title = "unknown_reference", Text("Unknown outlet, role or superior", "网点、角色或上级不存在")


class UnsuitableDeputy(InvalidInput):
    """A deputy is another member of staff, a relationship manager who is here: the book would be nobody's to work on."""

    code, title = (
        "unsuitable_deputy",
        Text("The deputy must be another active relationship manager", "代理人须为另一名在岗客户经理"),
    )


class InvalidAbsence(InvalidInput):
    """A leave has a beginning and an end after it."""

    code, title = "invalid_absence", Text("A leave begins before it ends", "休假须有起止时间且起在止前")
