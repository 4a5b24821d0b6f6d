"""What is counted of the two people."""

from typing import Final

from prometheus_client import Gauge

APPROVERS: Final = Gauge("guanxi_directory_approvers", "Active members of staff who can approve a change of a power role")
CHANGES: Final = Gauge(
    "guanxi_directory_changes_last_day", "Changes of the directory within a day, by how they were made", ["how"]
)
