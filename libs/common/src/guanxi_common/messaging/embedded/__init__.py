"""The embedded back end: a durable log in a PostgreSQL database of its own. For one machine; Kafka is for more.

How the bus's promises are kept: appending holds each partition's lock until commit, so offsets become visible in order; a batch
is one transaction, so it is there wholly or not at all; an acknowledged record is on disk (`synchronous_commit`).
"""

from guanxi_common.messaging.embedded.bus import EmbeddedBus
from guanxi_common.messaging.embedded.consumer import ReadingTimes

__all__ = ["EmbeddedBus", "ReadingTimes"]
