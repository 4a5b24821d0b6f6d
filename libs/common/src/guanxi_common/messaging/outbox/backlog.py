"""How far the relay is behind, and clearing what it has published."""

from datetime import datetime, timedelta
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Text, Unavailable
from guanxi_common.messaging.outbox.rows import SHARDS

INTAKE_LIMIT: Final = timedelta(minutes=5)
RETRY_AFTER_SECONDS: Final = 10
PURGE_CHUNK: Final = 10_000

_OLDEST = f"""
SELECT min(head.created_at), clock_timestamp()
FROM generate_series(0, {SHARDS - 1}) AS s (shard)
CROSS JOIN LATERAL (
    SELECT created_at FROM outbox WHERE shard = s.shard AND published_at IS NULL AND blocked_at IS NULL ORDER BY sequence LIMIT 1
) AS head
"""  # noqa: S608  # a constant

_PURGE = """
DELETE FROM outbox WHERE sequence IN (
    SELECT sequence FROM outbox WHERE published_at < $1 ORDER BY published_at LIMIT $2
)
"""


async def backlog_age(uow: UnitOfWork) -> timedelta:
    """The age of the oldest event that waits for the broker; zero if none does. Blocked keys do not count."""
    oldest, now = await uow.driver.fetchrow(_OLDEST)
    return now - oldest if oldest is not None else timedelta(0)


async def refuse_when_behind(uow: UnitOfWork, limit: timedelta = INTAKE_LIMIT) -> None:
    """Back-pressure for bulk intake: raises `Unavailable` with `Retry-After` while the backlog is older than `limit`."""
    if await backlog_age(uow) > limit:
        raise Unavailable(
            Text("Events cannot be published at present.", "事件暂时无法发布。"),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )


async def purge(uow: UnitOfWork, published_before: datetime) -> int:
    """Delete at most `PURGE_CHUNK` published rows; return how many. The caller repeats while the answer is the full chunk."""
    status = await uow.driver.execute(_PURGE, published_before, PURGE_CHUNK)
    return int(status.rsplit(" ", 1)[1])
