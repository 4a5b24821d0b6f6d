"""What is measured of standards. The figure of each process stands beside that of the owner, customer-svc."""

from typing import Final

from prometheus_client import Gauge

IN_FORCE: Final = Gauge("guanxi_standard_in_force", "Number of the version in force, as this process knows it (alert)", ["kind"])
NEWEST_AGE: Final = Gauge(
    "guanxi_standard_newest_age_seconds", "Seconds since the newest version that this process knows was approved", ["kind"]
)
READ_AT: Final = Gauge("guanxi_standards_read_timestamp_seconds", "When this process last read the versions (alert)")
UNUSABLE: Final = Gauge(
    "guanxi_standard_versions_unusable",
    "Versions that this process cannot go by, so that the one before goes on (alert)",
    ["kind"],
)
