"""The metrics of operations."""

from typing import Final

from prometheus_client import Counter, Gauge

OPERATIONS_ENDED: Final = Counter(
    "guanxi_operations_ended_total",
    "Operations that have ended, by kind and state (succeeded, failed, cancelled)",
    ["kind", "state"],
)
OPERATION_STANDING: Final = Gauge(
    "guanxi_operation_standing_seconds",
    "Since when the open operation of the kind that has waited longest has not moved (alert)",
    ["kind"],
)
