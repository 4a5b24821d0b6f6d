"""What Prometheus is told about requests."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "guanxi_http_request_seconds",
    "Time from the request's head to the end of its answer, in seconds.",
    ("method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_WORK = Gauge("guanxi_http_requests_in_work", "Requests that the process works on now.")
REFUSED = Counter(
    "guanxi_http_refused_total", "Requests and connections refused before any work, by the code of their problem.", ("code",)
)
