"""The metrics of scheduled work."""

from typing import Final

from prometheus_client import Counter, Gauge

JOB_RUNS: Final = Counter("guanxi_job_runs_total", "Runs of a job, by outcome (done, failed)", ["name", "outcome"])
JOB_LAST_DONE: Final = Gauge(
    "guanxi_job_last_done_seconds", "When a job last ran without failing, in Unix time (alert)", ["name"]
)
ITEM_FAILURES: Final = Counter(
    "guanxi_queue_item_failures_total",
    "Items of a queue that failed by themselves, by what follows (retried, set_aside)",
    ["queue", "outcome"],
)
ITEMS_SET_ASIDE: Final = Gauge("guanxi_queue_items_set_aside", "Items that are not tried again by themselves (alert)", ["queue"])
