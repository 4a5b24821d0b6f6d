"""Metrics of break-glass."""

from typing import Final

from prometheus_client import Counter, Gauge

OPENED: Final = Counter("guanxi_break_glass_total", "Customers opened beyond the caller's rows (alert)")
UNREVIEWED: Final = Gauge("guanxi_break_glass_unreviewed_seconds", "Age of the oldest such access without a review (alert)")
