"""What a worker counts of digests."""

from typing import Final

from prometheus_client import Gauge

DIFFERING: Final = Gauge(
    "guanxi_digest_buckets_differing", "Buckets that differed from their owner twice in a row and stood still (alert)", ["type"]
)
COMPARED: Final = Gauge(
    "guanxi_digest_compared_seconds",
    "When a type was last compared, or else the worker began, since 1970 (alert)",
    ["type"],
)
