"""The metrics of the event fabric."""

from typing import Final

from prometheus_client import Counter, Gauge

RELAY_PUBLISHED: Final = Counter("guanxi_relay_published_total", "Records that the broker has acknowledged")
RELAY_ERRORS: Final = Counter("guanxi_relay_errors_total", "Passes of the relay that failed", ["error"])
OUTBOX_KEYS_BLOCKED: Final = Counter("guanxi_outbox_keys_blocked_total", "Keys blocked by a refused record (alert)", ["topic"])
OUTBOX_AGE: Final = Gauge("guanxi_outbox_oldest_unpublished_seconds", "Age of the oldest event that waits for the broker")

EVENTS: Final = Counter("guanxi_consumer_events_total", "Records taken over, by outcome", ["group", "topic", "outcome"])
DEAD_LETTERS: Final = Counter("guanxi_consumer_dead_letters_total", "Dead letters made (alert)", ["group", "topic", "reason"])
VERSION_JUMPS: Final = Counter(
    "guanxi_consumer_version_jumps_total", "Snapshots far ahead of the last (alert)", ["group", "topic"]
)
TRANSIENT: Final = Counter("guanxi_consumer_transient_errors_total", "Batches to be tried again (alert)", ["group", "error"])
LAG: Final = Gauge(
    "guanxi_consumer_lag_records", "Records not read yet of the partitions that this process reads", ["group", "topic"]
)
FENCED: Final = Counter("guanxi_consumer_commits_fenced_total", "Offset commits refused after a rebalance", ["group"])
RESTARTS: Final = Counter("guanxi_consumer_restarts_total", "Consumers replaced because they had stalled", ["group"])
POSITIONS_RESET: Final = Counter(
    "guanxi_consumer_positions_reset_total", "Positions that the log does not have (alert)", ["group", "topic", "reason"]
)
PARTITIONS_PAUSED: Final = Gauge(
    "guanxi_consumer_partitions_paused",
    "Partitions that the group does not read until an operator resumes them",
    ["group", "topic"],
)
