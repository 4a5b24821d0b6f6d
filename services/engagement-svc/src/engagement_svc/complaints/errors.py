"""What can go wrong with a complaint."""

from guanxi_common.errors import Conflict, Text


class ComplaintResolved(Conflict):
    """It was resolved before; its outcome stands."""

    code, title = "complaint_resolved", Text("The complaint has been resolved", "该投诉已办结")
