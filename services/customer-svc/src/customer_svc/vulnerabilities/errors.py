"""What can go wrong with a vulnerability."""

from guanxi_common.errors import Conflict, Text


class VulnerabilityResolved(Conflict):
    """It was resolved before; a new one is opened instead."""

    code, title = "vulnerability_resolved", Text("The vulnerability has been resolved", "该记录已解除")
