"""The metrics of a process's parts."""

from typing import Final

from prometheus_client import Counter, Gauge

FAILURES: Final = Gauge("guanxi_part_failures_in_a_row", "Failures of a part since it last got on (alert)", ["part"])
SILENT: Final = Gauge("guanxi_part_silent_seconds", "How long ago a part gave its last sign of life (alert)", ["part"])
STALLED: Final = Gauge("guanxi_part_stalled", "1 while a part is silent for longer than it may be (alert)", ["part"])
FAILED: Final = Counter("guanxi_part_failures_total", "Failures of a part", ["part"])
