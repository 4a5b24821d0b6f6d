"""What a run has changed, told after the exchange: in batches, each in a transaction of its own, every customer once."""

from datetime import datetime, timedelta
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.ids import new_id
from guanxi_common.messaging import outbox

from scoring_svc.actions import queue
from scoring_svc.scores.repository import Published, main_reason_code, read_scores
from scoring_svc.scores.service import updated

BATCH: Final = 500
LATEST: Final = timedelta(seconds=30)
"""While the relay is further behind, a run waits: news of people comes before it."""


async def publish_next(uow: UnitOfWork, now: datetime) -> int | None:
    """Tell of the next customers, and have them planned anew; returns how many, None while the relay is behind.

    A customer whom a scorer holds is skipped: the scorer tells of the customer itself.
    """
    if await outbox.backlog_age(uow) > LATEST:
        return None
    rows = await uow.driver.fetch(
        "DELETE FROM score_news WHERE customer_id IN"
        " (SELECT customer_id FROM score_news ORDER BY customer_id LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " RETURNING customer_id, band, main_reason",
        BATCH,
    )
    if not rows:
        return 0
    told = {row[0]: Published(row[1], row[2]) for row in rows}
    events = [
        (new_id(), updated(score, told[score.customer_id]))
        for score in await read_scores(uow, list(told))
        if Published(score.retention.band, main_reason_code(score)) != told[score.customer_id]
    ]
    await outbox.append_batch(uow, events)
    await queue.mark(uow, list(told), now)
    return len(rows)


async def is_left(uow: UnitOfWork) -> bool:
    """Whether anybody is yet to be told of."""
    return bool(await uow.driver.fetchval("SELECT EXISTS (SELECT FROM score_news)"))
