"""What Prometheus is told about documents that are in a file already."""

from prometheus_client import Counter

MATCHES = Counter(
    "guanxi_customer_identity_matches_total",
    "Attempts to file a document of a file out of the caller's scope: told (a case), over_limit.",
    ("outcome",),
)
for outcome in ("told", "over_limit"):  # else the first of a process would be no increase
    MATCHES.labels(outcome)
