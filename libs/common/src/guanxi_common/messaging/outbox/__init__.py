"""The transactional outbox: `append` writes events in the transaction that causes them; the relay publishes what is committed."""

from guanxi_common.messaging.outbox.append import (
    append,
    append_batch,
    append_facts,
    append_records,
    append_snapshots,
    append_tombstone,
)
from guanxi_common.messaging.outbox.backlog import backlog_age, purge, refuse_when_behind

__all__ = [
    "append",
    "append_batch",
    "append_facts",
    "append_records",
    "append_snapshots",
    "append_tombstone",
    "backlog_age",
    "purge",
    "refuse_when_behind",
]
